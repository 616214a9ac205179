"""Names that are like known ones."""

import pytest

from allspin.sim.errors import meant, not_one_of

KNOWN = ("golden", "virtual", "auto")


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("virtul", " (did you mean virtual?)"),
        ("Golden", " (did you mean golden?)"),
        ("/dev/ttyUSB1", ""),
        ("", ""),
        (3, ""),
        (None, ""),
    ],
)
def test_the_name_that_is_like_it_is_asked_for(name, question):
    assert meant(name, KNOWN) == question


def test_a_value_that_is_none_of_a_few():
    said = not_one_of("rows", 3, (1, 2, 4))
    assert said == "rows must be one of 1, 2, 4, not 3"
    assert not_one_of("on", "aut", KNOWN).endswith("not 'aut' (did you mean auto?)")
