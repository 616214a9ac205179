"""Times in words, and cores as the system counts them."""

import os

import pytest

from allspin.host.study.work import cores, spoken


@pytest.mark.parametrize(
    ("seconds", "words"), [(42.4, "42 s"), (600, "10 min"), (89 * 60, "89 min"), (7200, "2 h")]
)
def test_times_are_spoken(seconds, words):
    assert spoken(seconds) == words


def test_there_is_a_core():
    assert 1 <= cores() <= (os.cpu_count() or 1)
