"""Which column is what, in which unit, and where one curve ends and the next begins."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allspin.host.study.fit.reading.measurement import ColumnNames, Measurement, read_measurement
from allspin.sim.device.response import Polarity
from allspin.sim.errors import UserError

P, D = Polarity
Read = Callable[..., Measurement]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write files and read their curves."""

    def one(*texts: str, **names: Any) -> Measurement:
        paths = []
        for number, text in enumerate(texts):
            paths.append(tmp_path / f"bar{number}.csv")
            paths[-1].write_text(text, "utf-8")
        return read_measurement(paths, ColumnNames(**names))

    return one


def rows(values: Any, start: int = 0, before: str = "") -> str:
    return "".join(f"{before}{start + n},{value}\n" for n, value in enumerate(values))


UP, DOWN = np.arange(8.0), np.arange(8.0)[::-1]


def test_all_columns(read: Read) -> None:
    text = "device,cycle,polarity,pulse,R_AH (mohm)\n"
    text += rows(UP, before="A,1,potentiation,") + rows(DOWN, before="A,1,depression,")
    text += rows(UP + 1, before="A,2,LTP,") + rows(UP, before="B,1,+,")
    measurement = read(text)
    curves = measurement.curves
    assert [(one.device, one.cycle, one.polarity) for one in curves] == [
        ("A", "1", P),
        ("A", "1", D),
        ("A", "2", P),
        ("B", "1", P),
    ]
    assert curves[0].resistance == pytest.approx(UP * 1e-3)
    assert curves[1].x.tolist() == list(range(8))
    assert (measurement.unit, measurement.notes) == ("ohm", [])
    assert measurement.digests == {"bar0.csv": hashlib.sha256(text.encode()).hexdigest()}


def test_polarity_is_told_by_the_trend_and_cycles_by_pulses_counted_anew(read: Read) -> None:
    text = "Pulse Number,Rxy\n" + rows(UP) + rows(DOWN, 1) + rows(UP, 1)
    curves = read(text).curves
    assert [(one.device, one.polarity) for one in curves] == [
        ("bar0", P),
        ("bar0", D),
        ("bar0", P),
    ]
    assert len({one.cycle for one in curves}) == 3


def test_pulses_counted_on_are_counted_from_their_own_start(read: Read) -> None:
    text = "polarity,pulse,R_AH\n" + rows(DOWN, 0, "D,") + rows(UP[1:], 8, "P,")
    first, second = read(text).curves
    assert first.x.tolist() == list(range(8))
    assert second.x.tolist() == list(range(1, 8))


def test_a_curve_there_and_back_is_cut_where_it_turns_and_that_is_told(read: Read) -> None:
    n = np.arange(41.0)
    rise, fall = 1 - np.exp(-n / 15), np.exp(-n[1:] / 4) * (1 - np.exp(-40 / 15))
    rng = np.random.default_rng(0)
    text = "cycle,pulse,R_AH\n"
    for cycle in range(4):
        way = np.concatenate([rise, fall]) + rng.normal(0, 0.02, 81)
        text += rows(way, before=f"{cycle},")
    measurement = read(text)
    assert [one.polarity for one in measurement.curves] == [P, D] * 4
    assert len({one.x.size for one in measurement.curves if one.polarity is P}) == 1
    assert len(measurement.notes) == 1
    assert "names no polarity: curves are cut where R_AH turns, at pulse " in measurement.notes[0]
    assert abs(int(measurement.notes[0].split()[-1]) - 40) <= 1


def test_columns_of_resistance_are_cycles(read: Read) -> None:
    text = "pulse,R_AH_1 (ohm),R_AH_2 (ohm)\n"
    text += "".join(f"{n},{n},{2 * n}\n" for n in range(6))
    curves = read(text).curves
    assert [one.cycle for one in curves] == ["R_AH_1", "R_AH_2"]
    assert curves[1].resistance.tolist() == [0, 2, 4, 6, 8, 10]


def test_columns_by_option(read: Read) -> None:
    text = "shots,a,b,chip,way\n" + "".join(f"{n},{n},{3 * n},X,up\n" for n in range(6))
    curves = read(text, pulse="shots", resistance=("b", "a"), device="chip", polarity="way").curves
    assert [one.cycle for one in curves] == ["b", "a"]
    assert [one.device for one in curves] == ["X", "X"]
    assert curves[0].resistance[-1] == 15


def test_neuron_curves_and_files_together(read: Read) -> None:
    pulses = "pulse,R_AH (ohm)\n" + rows(UP)
    neuron = "I (mA),R_AH (mΩ)\n" + rows(UP) + rows(UP)
    measurement = read(pulses, neuron)
    assert [one.polarity for one in measurement.curves] == [P, None]
    # A neuron's current may come back: it is one curve all the same.
    assert measurement.curves[1].x == pytest.approx(np.tile(UP, 2) * 1e-3)
    assert measurement.curves[1].resistance == pytest.approx(np.tile(UP, 2) * 1e-3)
    assert (measurement.unit, measurement.current_unit) == ("ohm", "A")
    assert list(measurement.digests) == ["bar0.csv", "bar1.csv"]


def test_no_unit_is_an_arbitrary_one(read: Read) -> None:
    assert read("pulse,R_AH\n" + rows(UP)).unit == "arbitrary"
    assert read("pulse,R_AH (a.u.)\n" + rows(UP)).unit == "arbitrary"


GOOD = "pulse,R_AH (ohm)\n" + rows(UP)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["pulse,V (V)\n1,2\n"], r"bar0.csv has no column of resistance .*it has pulse, V\); ren"),
        (["shot,R_AH\n1,2\n"], "bar0.csv has no column of pulse nor one of current .*--pulse-col"),
        (["pulse,R_AH,r_ah\n1,2,3\n"], "two columns are called r_ah; rename one"),
        (["pulse,R_AH (V)\n" + rows(UP)], r"column R_AH is in V, which is not known for a resis"),
        (["pulse,R_AH (MΩ)\n" + rows(UP)], r"column R_AH is in MΩ, which is not known"),
        (["pulse (mA),R_AH\n" + rows(UP)], "column pulse is in mA, which is not known for a puls"),
        (
            ["pulse,R_AH_1 (ohm),R_AH_2\n" + "1,2,3\n" * 6],
            "columns of R_AH have different units; give them all in ohm",
        ),
        ([GOOD, "pulse,R_AH\n" + rows(UP)], "bar1.csv gives R_AH in no unit, but .*bar0.csv in oh"),
        (["pulse,R_AH\n0,1\n"], "line 2: device bar0 has 1 point; a curve needs at least 5"),
        (["pulse,R_AH\n" + rows([1, 2, 3])], "line 2: device bar0 has 3 points; a curve needs"),
        (["pulse,R_AH\n" + rows([3] * 9)], "device bar0: R_AH does not change; is it the right"),
        (["pulse,R_AH\n" + rows(UP, -3)], "line 2: pulse is -3; count pulses from 0"),
        (["polarity,pulse,R_AH\nleft,1,2\n"], "polarity is 'left'; give potentiation or depressi"),
        (
            ["polarity,pulse,R_AH\n" + rows(UP, before="depression,")],
            "line 2: R_AH rises with pulses of depression; number pulses in the order",
        ),
        (["pulse,R_AH\n" + rows([1, 2, "nan", 4, 5])], "line 4: R_AH has nan in place of a numb"),
    ],
)
def test_files_that_make_no_sense(texts: list[str], expected: str, read: Read) -> None:
    with pytest.raises(UserError, match=expected) as caught:
        read(*texts)
    assert "\n" not in str(caught.value)
    assert "bar" in str(caught.value)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"pulse": "shots"}, r"no column shots \(it has pulse, R_AH\); mend --pulse-column"),
        ({"resistance": ("Rxy",)}, r"no column Rxy \(it has .*; mend --resistance-column"),
    ],
)
def test_options_that_name_no_column(names: Any, expected: str, read: Read) -> None:
    with pytest.raises(UserError, match=expected):
        read(GOOD, **names)
