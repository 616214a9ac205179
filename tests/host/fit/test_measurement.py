"""Which column is what, in which unit, and where one curve ends and the next begins."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allspin.host.fit.columns import ColumnNames, ReadOptions
from allspin.host.fit.curves import Measurement
from allspin.host.fit.runs import read_measurement
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

P, D = Polarity
Read = Callable[..., Measurement]


@pytest.fixture
def options(tmp_path: Path) -> Read:
    """Write files and read their curves, with options."""

    def one(*texts: str, **given: Any) -> Measurement:
        paths = []
        for number, text in enumerate(texts):
            paths.append(tmp_path / f"bar{number}.csv")
            paths[-1].write_text(text, "utf-8")
        return read_measurement(paths, ReadOptions(**given))

    return one


def rows(values: Any, start: int = 0, before: str = "") -> str:
    return "".join(f"{before}{start + n},{value}\n" for n, value in enumerate(values))


UP, DOWN = np.arange(8.0), np.arange(8.0)[::-1]
PLAIN = "pulse,R_AH (ohm)\n"
BOTH = "".join(f"{n},{n},{2 * n},X,up\n" for n in range(6))
NAMED = ColumnNames(pulse="shots", resistance=("b", "a"), device="chip", polarity="way")


@pytest.mark.parametrize(
    ("texts", "given", "expected"),
    [
        (
            [
                "device,cycle,polarity,pulse,R_AH (mohm)\n"
                + rows(UP, before="A,1,potentiation,")
                + rows(DOWN, before="A,1,depression,")
                + rows(UP + 1, before="A,2,LTP,")
                + rows(UP, before="B,1,+,")
            ],
            {},
            ["A 1 P 0 7 0.007", "A 1 D 0 7 0", "A 2 P 0 7 0.008", "B 1 P 0 7 0.007", "ohm"],
        ),
        # The polarity is told by the trend, and cycles by pulses that are counted anew.
        (
            ["Pulse Number,Rxy\n" + rows(UP) + rows(DOWN, 1) + rows(UP, 1)],
            {},
            ["bar0  P 0 7 7", "bar0 2 D 1 8 0", "bar0 3 P 1 8 7", "arbitrary"],
        ),
        # Pulses that are counted on from the other polarity's start anew.
        (
            ["polarity,pulse,R_AH (a.u.)\n" + rows(DOWN, 0, "D,") + rows(UP[1:], 8, "P,")],
            {},
            ["bar0  D 0 7 0", "bar0  P 1 7 7", "arbitrary"],
        ),
        # Columns of resistance are as many cycles, by their usual names or by those given.
        (
            ["pulse,R_AH_1 (ohm),R_AH_2 (ohm),note,x\n" + BOTH],
            {},
            ["bar0 R_AH_1 P 0 5 5", "bar0 R_AH_2 P 0 5 10", "ohm"],
        ),
        (
            ["shots,a,b,chip,way\n" + BOTH],
            {"columns": NAMED},
            ["X b P 0 5 10", "X a P 0 5 5", "arbitrary"],
        ),
        # A neuron's current may come back: it is one curve all the same.
        (
            [PLAIN + rows(UP), "I (mA),R_AH (m\u03a9)\n" + rows(UP) + rows(UP)],
            {},
            ["bar0  P 0 7 7", "bar1  N 0 0.007 0.007", "ohm"],
        ),
        (
            ["pulse,V_xy (mV)\n" + rows(UP)],
            {"read_current": 0.1e-3},
            ["bar0  P 0 7 70", "ohm"],
        ),
        (["pulse,G (uS)\n" + rows(UP)], {}, ["bar0  P 0 7 7e-06", "siemens"]),
        (
            ["pulse\tR_AH\n\tM\u03a9\n" + rows(UP).replace(",", "\t")],
            {},
            ["bar0  P 0 7 7e+06", "ohm"],
        ),
        (
            [f"Device: A\n{PLAIN}{rows(UP)}Device: B\n{PLAIN}{rows(DOWN)}"],
            {},
            ["A  P 0 7 7", "B  D 0 7 0", "ohm"],
        ),
        # One name is no list of devices: several files may have that of their wafer.
        (
            [f"Sample: W\n{PLAIN}{rows(UP)}"] * 2,
            {},
            ["bar0  P 0 7 7", "bar1  P 0 7 7", "ohm"],
        ),
    ],
)
def test_curves_of_files(
    texts: list[str], given: dict[str, Any], expected: list[str], options: Read
) -> None:
    """Device, cycle, polarity, first and last pulse and last R_AH; and the unit of R_AH."""
    measurement = options(*texts, **given)
    found = [
        f"{one.device} {one.cycle} {'N' if one.polarity is None else one.polarity.name[0]} "
        f"{one.x[0]:g} {one.x[-1]:g} {one.resistance[-1]:g}"
        for one in measurement.curves
    ]
    assert found == expected[:-1]
    assert measurement.unit == expected[-1]
    assert list(measurement.digests) == [f"bar{number}.csv" for number in range(len(texts))]
    assert measurement.notes == []


def test_tables_that_name_no_device_are_cycles_with_a_word(options: Read) -> None:
    measurement = options(f"{PLAIN}{rows(curve(9))}{PLAIN}{rows(curve(5))}")
    assert [one.device for one in measurement.curves] == ["bar0", "bar0"]
    assert "2 tables one after another name no device and are taken as" in measurement.notes[0]


GOOD = PLAIN + rows(UP)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["pulse,V (V)\n1,2\n"], r"bar0.csv has no column of resistance .*it has pulse, V\); ren"),
        (["shot,R_AH\n1,2\n"], "bar0.csv has no column of pulse nor one of current .*--pulse-col"),
        (["pulse,R_AH,r_ah\n1,2,3\n"], "two columns are called r_ah; rename one"),
        (
            ["pulse,R_AH (V)\n" + rows(UP)],
            r"column R_AH is a voltage; .* --read-current 0.1mA",
        ),
        (["pulse,R_AH (MOHM)\n" + rows(UP)], r"column R_AH is in MOHM, which is not known for"),
        (["pulse (mA),R_AH\n" + rows(UP)], "column pulse is in mA, which is not known for a puls"),
        (
            ["pulse,R_AH_1 (ohm),R_AH_2\n" + "1,2,3\n" * 6],
            "columns of R_AH have different units; give them all in ohm",
        ),
        ([GOOD, "pulse,R_AH\n" + rows(UP)], "bar1.csv gives R_AH in no unit, but .*bar0.csv in oh"),
        (["pulse,R_AH\n0,1\n"], "line 2: device bar0 has 1 point; a curve needs at least 5"),
        (["pulse,R_AH\n" + rows([1, 2, 3])], "line 2: device bar0 has 3 points; a curve needs"),
        (["pulse,R_AH\n" + rows([3] * 9)], "device bar0: R_AH does not change; is it the right"),
        (["pulse,R_AH\n" + rows(UP, -3)], "line 2: pulse is -3; give 0 to 65,535"),
        (["polarity,pulse,R_AH\nleft,1,2\n"], "polarity is 'left'; give potentiation or depressi"),
        (
            ["polarity,pulse,R_AH\n" + rows(UP, before="depression,")],
            "line 2: R_AH rises with pulses of depression; number pulses in the order",
        ),
        (
            ["pulse,R_AH\n" + rows([1, 2, "nan", 4, 5])],
            "line 4: device bar0 lacks 1 of 5 values",
        ),
    ],
)
def test_files_that_make_no_sense(texts: list[str], expected: str, options: Read) -> None:
    with pytest.raises(UserError, match=expected) as caught:
        options(*texts)
    assert "\n" not in str(caught.value)
    assert "bar" in str(caught.value)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"pulse": "shots"}, r"no column shots \(it has pulse, R_AH\); mend --pulse-column"),
        ({"resistance": ("Rxy",)}, r"no column Rxy \(it has .*; mend --resistance-column"),
    ],
)
def test_options_that_name_no_column(names: Any, expected: str, options: Read) -> None:
    with pytest.raises(UserError, match=expected):
        options(GOOD, columns=ColumnNames(**names))


def test_a_curve_there_and_back_is_cut_where_it_turns_and_that_is_told(options: Read) -> None:
    n = np.arange(41.0)
    rise, fall = 1 - np.exp(-n / 15), np.exp(-n[1:] / 4) * (1 - np.exp(-40 / 15))
    rng = np.random.default_rng(0)
    text = "cycle,pulse,R_AH\n"
    for cycle in range(4):
        way = np.concatenate([rise, fall]) + rng.normal(0, 0.02, 81)
        text += rows(way, before=f"{cycle},")
    measurement = options(text)
    assert [one.polarity for one in measurement.curves] == [P, D] * 4
    assert len({one.x.size for one in measurement.curves if one.polarity is P}) == 1
    assert len(measurement.notes) == 1
    assert "names no polarity: curves are cut where R_AH turns (--tu" in measurement.notes[0]
    assert abs(int(measurement.notes[0].split()[-1]) - 40) <= 1


A_LOT = np.arange(30.0)


def curve(a: float, count: int = 30, seed: int = 0, noise: float = 1e-3) -> np.ndarray:
    """R_AH of a known A, from 0 to 1 ohm."""
    n = np.arange(float(count))
    way = -np.expm1(-n / a) / -np.expm1(-(count - 1) / a)
    return way + np.random.default_rng(seed).normal(0, noise, count)


def table(*parts: tuple[str, np.ndarray], heading: str) -> str:
    return heading + "\n" + "".join(rows(values, before=before) for before, values in parts)


TWO_CURRENTS = table(
    ("8,300.0,", curve(25)), ("10,300.0,", curve(10)), heading="I (mA),T,pulse,R_AH (ohm)"
)


def test_two_currents_in_one_file_are_no_cycles(options: Any) -> None:
    with pytest.raises(UserError) as caught:
        options(TWO_CURRENTS)
    assert str(caught.value).endswith(
        "bar0.csv: column I varies within potentiation (8, 10) and has no part in the model; "
        'choose by --where "I=8", or let it vary with --ignore-column "I"'
    )
    eight = options(TWO_CURRENTS, where=("I=8",))
    assert eight.curves[0].resistance == pytest.approx(curve(25))
    assert eight.given == {"where": ["I=8"]}
    assert [one.cycle for one in options(TWO_CURRENTS, where=("I=7.9..8.1",)).curves] == [""]
    assert len(options(TWO_CURRENTS, ignored=("i",)).curves) == 2


@pytest.mark.parametrize(
    ("heading", "cells", "varies"),
    [
        # Set, and another for each curve.
        ("width (us)", ("1", "2"), True),
        ("H_x (Oe)", ("100", "200"), True),
        ("temperature", ("300", "350"), True),
        ("anneal", ("as grown", "1 h"), True),
        # Of every row its own, or another name of what is known.
        ("time", ("0", "1"), False),
        ("index", ("0", "1"), False),
        ("id", ("a", "b"), False),
        ("read current (uA)", ("10", "20"), True),
        ("in-plane field", ("10", "20"), True),
        ("comment", ("begun", "lamp on"), False),
        ("width", ("1", "1"), False),
        ("temperature", ("300.1", "299.9"), True),
    ],
)
def test_what_varies_between_curves(
    heading: str, cells: tuple[str, str], varies: bool, options: Any
) -> None:
    text = table(
        *((f"{cell},", curve(20, seed=seed)) for seed, cell in enumerate(cells)),
        heading=f"{heading},pulse,R_AH (ohm)",
    )
    if not varies:
        assert len(options(text).curves) == 2
        return
    with pytest.raises(UserError, match="varies within potentiation"):
        options(text)


def test_settings_that_are_read_back_scatter_and_readings_differ_everywhere(options: Any) -> None:
    rng = np.random.default_rng(0)
    lines = [
        f"{rng.normal(300, 0.2):.3f},{rng.normal():.4f},{n},{r:.5f}\n"
        for n, r in enumerate(curve(20))
    ]
    measurement = options("temperature,V_xx,pulse,R_AH (ohm)\n" + "".join(lines))
    (note,) = measurement.notes
    assert "column temperature scatters by 0." in note
    # A number of each row's own is no setting, whatever letter it begins with.
    numbered = [f"{n},{line}" for n, line in enumerate(lines)]
    assert options("index,temperature,V_xx,pulse,R_AH (ohm)\n" + "".join(numbered))
    lines[3] = lines[3].replace("3", "2", 1)
    with pytest.raises(UserError, match="column temperature varies within potentiation"):
        options("temperature,V_xx,pulse,R_AH (ohm)\n" + "".join(lines))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("I=9", "no row has I=9; I has 8, 10$"),
        ("H=9", "no file has a column H; mend --where H=9"),
        ("I", "^--where takes COLUMN=VALUE, such as current=8"),
        ("pulse=3", "--where pulse=3 is about the curves themselves"),
    ],
)
def test_conditions_that_choose_nothing(where: str, message: str, options: Any) -> None:
    with pytest.raises(UserError, match=message):
        options(TWO_CURRENTS, where=(where,), ignored=("I",))


def test_polarity_by_the_sign_of_the_pulse_current(options: Any) -> None:
    """The row before the first pulse has no current; depression turns over a plateau."""
    up, down = curve(3, 20), 1 - curve(3, 20)
    text = "current (mA),pulse,R_AH (ohm)\n"
    for _ in range(2):
        text += rows(up[:1], before="0,") + rows(up[1:], 1, "8,") + rows(down[1:], 20, "-11,")
    curves = options(text).curves
    assert [one.polarity for one in curves] == [P, D] * 2
    assert [one.x.size for one in curves] == [20, 19] * 2
    assert curves[1].x[0] == 1
    # The other way round it is the same: what R_AH does decides.
    swapped = text.replace("\n8,", "\nx,").replace("\n-11,", "\n11,").replace("x", "-8")
    assert [one.polarity for one in options(swapped).curves] == [P, D] * 2
    with pytest.raises(UserError, match="rises with pulse currents of either sign"):
        options("current,pulse,R\n" + rows(up, before="8,") + rows(up, before="-8,"))


def test_a_turn_that_is_given(options: Any) -> None:
    up, down = curve(4, 40), 1 - curve(4, 40)[1:12]
    text = "pulse,R_AH (ohm)\n" + rows(np.concatenate([up, down]))
    curves = options(text, turn=39).curves
    assert [(one.polarity, one.x.size) for one in curves] == [(P, 40), (D, 12)]
    assert curves[1].x.tolist() == list(range(12))
    with pytest.raises(UserError, match="has pulses 0 to 50 and cannot turn at 48; mend --turn"):
        options(text, turn=48)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("a", [2.0, 8.0])
def test_a_plateau_at_the_end_is_no_turn(a: float, seed: int, options: Any) -> None:
    way = curve(a, 120, seed, noise=0.03)
    # Not even with spikes.
    way[[60, 118, 119]] += (0.5, -0.8, 0.4)
    measurement = options("pulse,R_AH (ohm)\n" + rows(way))
    assert [one.polarity for one in measurement.curves] == [P]
    assert measurement.notes == []


def test_missing_values_are_left_out_and_counted(options: Any) -> None:
    values: list[Any] = curve(10).tolist()
    values[4], values[9], values[20] = "", "9.9E+37", "NaN"
    measurement = options("pulse,R_AH (ohm)\n" + rows(values))
    assert measurement.curves[0].x.tolist() == [n for n in range(30) if n not in (4, 9, 20)]
    assert measurement.notes[0].endswith(
        "3 of 30 values are missing or out of the meter's range, the first in line 6; they are "
        "left out"
    )
    values[5] = "#N/A"
    with pytest.raises(UserError, match=r"lacks 4 of 30 values, more than --missing 0\.1 of a c"):
        options("pulse,R_AH (ohm)\n" + rows(values))
    assert options("pulse,R_AH (ohm)\n" + rows(values), missing=0.2).curves[0].x.size == 26


def test_a_pulse_read_several_times_is_one_point(options: Any) -> None:
    truth = curve(10, noise=0)
    rng = np.random.default_rng(0)
    reads = [(n, k, r + rng.normal(0, 0.02)) for n, r in enumerate(truth) for k in range(4)]
    lines = [f"{n},{k},{r:.6f}" for n, k, r in reads]
    (one,) = options("pulse,read,R_AH (ohm)\n" + "\n".join(lines) + "\n").curves
    assert one.x.tolist() == list(range(30))
    assert one.scatter is not None
    assert one.scatter.freedom.tolist() == [3] * 30
    assert np.sqrt(one.scatter.square.sum() / 90) == pytest.approx(0.02, rel=0.2)


LOOP = np.concatenate([np.linspace(-12, 12, 49), np.linspace(12, -12, 49)[1:]])


def loops(cycles: int = 1, shift: float = 4.0) -> str:
    """A neuron's loop as in the paper's Fig. 4c: each branch switches behind zero."""
    rng = np.random.default_rng(1)
    text = "I (mA),R_AH (mohm)\n"
    for _ in range(cycles):
        up = np.arange(LOOP.size) < 49
        falls = np.clip(LOOP + shift, -6, 0) + 6
        r = np.where(up | (shift == 0), np.clip(LOOP - shift, 0, 6), falls) * 30
        text += "".join(
            f"{i:.2f},{v + rng.normal(0, 0.5):.3f}\n" for i, v in zip(LOOP, r, strict=True)
        )
    return text


def test_a_loop_needs_a_branch(options: Any) -> None:
    with pytest.raises(UserError) as caught:
        options(loops())
    words = str(caught.value)
    assert "device bar0 runs in a loop whose branches are 0.18" in words
    assert "up (the current rises from -12 mA to 12 mA) and down (it falls from 12 mA" in words
    assert words.endswith("choose --branch up or --branch down")
    up = options(loops(3), branch="up")
    assert [(one.cycle, one.x.size) for one in up.curves] == [("", 49), ("2", 49), ("3", 49)]
    for one in up.curves:
        assert np.interp(7e-3, one.x, one.resistance) == pytest.approx(0.09, abs=3e-3)
    down = options(loops(), branch="down").curves[0]
    assert down.x[[0, -1]] == pytest.approx([12e-3, -12e-3])
    with pytest.raises(UserError, match="device bar0 has no branch of down: the current never f"):
        options("I,R\n" + rows(UP), branch="down")


def test_branches_that_are_one_curve_need_no_choice(options: Any) -> None:
    assert [one.x.size for one in options(loops(2, shift=0.0)).curves] == [194]


def test_a_loop_that_begins_within_a_branch_is_closed_there(options: Read) -> None:
    head, *lines = loops().splitlines()
    (one,) = options("\n".join([head, *lines[20:], *lines[:20]]), branch="up").curves
    assert one.x.size == 49
    assert (one.x.min(), one.x.max()) == pytest.approx((-12e-3, 12e-3))


def test_rows_are_chosen_by_words(options: Read) -> None:
    text = table(("as grown,", curve(9)), ("1 h,", curve(5)), heading="anneal,pulse,R_AH (ohm)")
    (one,) = options(text, where=("anneal=AS GROWN",)).curves
    assert one.resistance == pytest.approx(curve(9))
