"""Points as they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allspin.sim.device.operating_point import AXES, OperatingPoint


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("current=9mA,temperature=350", {"current": 0.009, "temperature": 350.0}),
        ("current=1.1mA", {"current": 0.0011}),
        ("current = 8500 uA , width = 10 ns", {"current": 0.0085, "width": 1e-8}),
        ("width=2e-3", {"width": 0.002}),
        ("field=-100Oe", {"field": -0.01}),
        ("field=10mT", {"field": 0.01}),
        ("field=0", {"field": 0.0}),
        # 1 kA/m is 4 pi oersted.
        ("field=1kA/m", {"field": pytest.approx(12.566370614e-4, rel=1e-9)}),
        ("temperature=77.5K", {"temperature": 77.5}),
    ],
)
def test_units(text: str, values: dict[str, float]) -> None:
    assert OperatingPoint.parse(text).given() == values


@given(st.dictionaries(st.sampled_from(AXES), st.floats(1e-12, 1e6), min_size=1))
def test_there_and_back(values: dict[str, float]) -> None:
    point = OperatingPoint(**values)
    back = OperatingPoint.parse(str(point))
    assert back.given() == pytest.approx(values, rel=1e-11)
    assert str(back) == str(point)


def test_what_a_point_lacks_is_of_another() -> None:
    rest = {"current": 0.01, "temperature": 300.0}
    assert OperatingPoint(current=0.009, width=1e-3).within(rest) == OperatingPoint(
        current=0.009, width=1e-3, temperature=300
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a point is such as current=9mA,temperature=350, of current, width, field, temp"),
        ("current", "not 'current'"),
        ("volts=3", "not 'volts=3'"),
        ("current=1,current=2", "has current twice"),
        ("current=9V", "current must be in A, not '9V'"),
        ("current=-1mA", "current must be above 0, not -0.001"),
        ("current=0", "current must be above 0, not 0"),
        ("temperature=350C", "temperature must be in K, not '350C'"),
        ("field=1Gs", "field must be in T or Oe or A/m, not '1Gs'"),
        ("current=nan", "current must be a number, in A where it has a unit, not 'nan'"),
        ("current=1e9999", "current must be a number"),
    ],
)
def test_what_is_no_point(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        OperatingPoint.parse(text)
