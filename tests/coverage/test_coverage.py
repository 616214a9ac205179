"""Benches take blocks and machines through all that they can go through: no bin is empty."""

import pytest

from tests.coverage.__main__ import measure

pytestmark = pytest.mark.long


def test_every_bin_is_hit() -> None:
    measure().check()
