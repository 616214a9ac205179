"""What blocks and machines can go through, they go through in some bench: no bin is empty."""

import pytest

from tests.coverage.__main__ import measure

pytestmark = pytest.mark.long


def test_every_bin_is_hit() -> None:
    measure().check()
