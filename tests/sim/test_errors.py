"""Names that are like known ones, and legal ranges."""

import numpy as np
import pytest

from allspin.sim.errors import (
    UserError,
    check_number,
    check_one_of,
    check_power_of_two,
    check_range,
    meant,
    not_one_of,
    refused,
)

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


def test_check_range_takes_any_integer_and_gives_an_int() -> None:
    for value in (3, np.int8(3), np.uint64(3)):
        assert type(check_range("lanes", value, 3, 3)) is int


@pytest.mark.parametrize("value", [3.0, "3", None, np.float64(3), [3]])
def test_check_range_refuses_values_that_are_no_integers(value: object) -> None:
    with pytest.raises(TypeError, match=r"^lanes must be an integer from 1 to 8, not "):
        check_range("lanes", value, 1, 8)


@pytest.mark.parametrize("value", [0, 9, -1, 10**30])
def test_check_range_names_the_range(value: int) -> None:
    with pytest.raises(ValueError, match=f"^lanes must be from 1 to 8, not {value}$"):
        check_range("lanes", value, 1, 8)


def test_powers_of_two() -> None:
    legal = []
    for number in range(-1, 70):
        try:
            legal.append(check_power_of_two("depth", number, 2, 64))
        except ValueError:
            continue
    assert legal == [2, 4, 8, 16, 32, 64]


def test_numbers_and_words_of_a_range() -> None:
    assert check_number("rate", 3, 0, 3) == 3.0
    check_one_of("on", "auto", KNOWN)
    for value in (3.1, -0.1, float("nan"), True, "1", None):
        with pytest.raises(ValueError, match=r"^rate must be a number from 0 to 3, not "):
            check_number("rate", value, 0, 3)
    with pytest.raises(ValueError, match=r"^on must be one of golden, virtual, auto, not 'aut'"):
        check_one_of("on", "aut", KNOWN)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\n  lines"), "x: two lines; mend it"),
        (FileNotFoundError(2, "No such file", "x"), "x: No such file; mend it"),
        (KeyError(), "x: KeyError; mend it"),
        (UserError("as it is"), "as it is"),
    ],
)
def test_errors_become_a_line(error: Exception, line: str) -> None:
    with pytest.raises(UserError) as caught, refused("x: ", "; mend it", Exception):
        raise error
    assert str(caught.value) == line
    with pytest.raises(ZeroDivisionError), refused():
        raise ZeroDivisionError
