import dataclasses
from typing import Any

import pytest

from allspin.sim.device.device import UNITS, Imperfections


def test_all_are_off_by_default_and_say_nothing() -> None:
    off = Imperfections()
    assert all(not value for name, value in vars(off).items() if name != "stuck_at")
    assert off.readings() == []
    assert off.decades == 0


@pytest.mark.parametrize("name", list(UNITS))
def test_each_is_reported_with_its_unit(name: str) -> None:
    figure: dict[str, Any] = {name: 0.125}
    lines = Imperfections(**figure).readings()
    assert f"{name} 0.125 {UNITS[name]}" in lines


def test_every_figure_has_a_unit() -> None:
    names = {field.name for field in dataclasses.fields(Imperfections)}
    assert names == set(UNITS) | {"age", "stuck_at", "retention"}


def test_a_decade_of_seconds() -> None:
    assert Imperfections(age=9).decades == pytest.approx(1)
    assert "drifted for 9 s" in Imperfections(drift=0.1, age=9).readings()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"stuck": 1.01}, "stuck must be a number from 0 to 1, not 1.01"),
        ({"read_noise": -1}, "read_noise must be a number from 0 to 100"),
        ({"age": float("nan")}, "age must be a number from 0 to 1e"),
        ({"stuck_at": "middle"}, "stuck_at must be one of low, high, either, between, open, not"),
    ],
)
def test_figures_that_cannot_be(arguments: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Imperfections(**arguments)  # type: ignore[arg-type]
