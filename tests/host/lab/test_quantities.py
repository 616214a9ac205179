"""Units and quantities as instruments write them."""

import pytest

from allspin.host.lab.quantities import quantity, unit_of
from allspin.sim.errors import UserError


@pytest.mark.parametrize(
    ("base", "factor", "texts"),
    [
        ("ohm", 1, "ohm Ohms"),
        ("ohm", 1e-3, "m\u03a9 mohm"),
        ("ohm", 1e6, "M\u2126 Mohm"),
        ("ohm", 1e3, "KOhm"),
        ("ohm", 1e-6, "\u00b5\u03a9"),
        ("ohm", 1e-9, "nohm"),
        ("ohm", 1e9, "G\u03a9"),
        ("S", 1, "S siemens"),
        ("S", 1e-6, "\u00b5S"),
        ("V", 1e-3, "mV"),
        ("A", 1e-3, "ma mA"),
        ("T", 1e-3, "mT"),
        ("K", 1, "K"),
        ("s", 1, "s sec"),
        ("s", 60, "min minutes"),
        ("s", 86400, "d"),
        ("", 1, "a.u. 1"),
        ("", 0.01, "%"),
        # All capitals do not say whether it is a thousandth or a million.
        (None, 0, "MOHM MA furlong xohm"),
    ],
)
def test_units(base: str | None, factor: float, texts: str) -> None:
    for text in texts.split():
        assert unit_of(text) == (None if base is None else (base, factor))


def test_quantities() -> None:
    assert quantity("A", "--read-current")("0.1mA") == pytest.approx(1e-4)
    assert quantity("A", "--read-current")(" 50 \u00b5A ") == pytest.approx(5e-5)
    for text in ("0.1", "mA", "1mV", "0mA", "1..2mA", "nan A", "1e300A"):
        with pytest.raises(UserError, match=r"^--read-current takes a value with its unit"):
            quantity("A", "--read-current")(text)
