"""Units as they are written, against what they are."""

import pytest

from allspin.host.fit.quantities import quantity, unit_of
from allspin.sim.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ohm", ("ohm", 1)),
        ("Ohms", ("ohm", 1)),
        ("m\u03a9", ("ohm", 1e-3)),
        ("M\u2126", ("ohm", 1e6)),
        ("Mohm", ("ohm", 1e6)),
        ("mohm", ("ohm", 1e-3)),
        ("KOhm", ("ohm", 1e3)),
        ("\u00b5\u03a9", ("ohm", 1e-6)),
        ("nohm", ("ohm", 1e-9)),
        ("G\u03a9", ("ohm", 1e9)),
        ("S", ("S", 1)),
        ("\u00b5S", ("S", 1e-6)),
        ("nS", ("S", 1e-9)),
        ("mV", ("V", 1e-3)),
        ("uV", ("V", 1e-6)),
        ("MA", None),
        ("ma", ("A", 1e-3)),
        ("s", ("s", 1)),
        ("mT", ("T", 1e-3)),
        ("K", ("K", 1)),
        ("", ("", 1)),
        ("%", ("", 0.01)),
        ("a.u.", ("", 1)),
        # All capitals do not say whether it is a thousandth or a million.
        ("MOHM", None),
        ("furlong", None),
        ("xohm", None),
    ],
)
def test_units(text: str, expected: tuple[str, float] | None) -> None:
    assert unit_of(text) == expected


def test_quantities() -> None:
    assert quantity("0.1mA", "A", "--read-current") == pytest.approx(1e-4)
    assert quantity(" 50 \u00b5A ", "A", "--read-current") == pytest.approx(5e-5)
    for text in ("0.1", "mA", "1mV", "0mA", "1..2mA", "nan A", "1e300A"):
        with pytest.raises(UserError, match=r"^--read-current takes a value with its unit"):
            quantity(text, "A", "--read-current")
