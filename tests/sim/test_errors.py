"""What turns a `ValueError` of a user's values into a line."""

import pytest

from allspin.sim.errors import UserError, refused


def test_a_value_error_becomes_a_line_with_what_is_wrong_and_what_to_do():
    with (
        pytest.raises(UserError, match=r"^the file: too short; take another$") as caught,
        refused("the file: ", "; take another"),
    ):
        raise ValueError("too short")
    assert isinstance(caught.value.__cause__, ValueError)


def test_other_errors_are_left_alone():
    with pytest.raises(KeyError), refused():
        raise KeyError("a fault of this program")
