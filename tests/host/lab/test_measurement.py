"""Curves of files: kind and unit of columns, and ends of curves."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allspin.host.lab.curves import Measurement
from allspin.host.lab.reading import ColumnNames
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity
from tests.host.lab.curve_files import curve, rows

P, D = Polarity
Read = Callable[..., Measurement]


UP, DOWN = np.arange(8.0), np.arange(8.0)[::-1]
PLAIN = "pulse,R_AH (ohm)\n"
GOOD = PLAIN + rows(UP)
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
            [GOOD, "I (mA),R_AH (m\u03a9)\n" + rows(UP) + rows(UP)],
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
            [f"Device: A\n{GOOD}Device: B\n{PLAIN}{rows(DOWN)}"],
            {},
            ["A  P 0 7 7", "B  D 0 7 0", "ohm"],
        ),
        # One name is no list of devices: several files may have that of their wafer.
        ([f"Sample: W\n{GOOD}"] * 2, {}, ["bar0  P 0 7 7", "bar1  P 0 7 7", "ohm"]),
        (
            [f"{GOOD}{GOOD}"],
            {},
            ["bar0  P 0 7 7", "bar0 2 P 0 7 7", "ohm", "2 tables one after another name no devi"],
        ),
    ],
)
def test_curves_of_files(
    texts: list[str], given: dict[str, Any], expected: list[str], read: Read
) -> None:
    """Device, cycle, polarity, first and last pulse and last R_AH; the unit; and notes."""
    measurement = read(*texts, **given)
    found = [
        f"{one.device} {one.cycle} {'N' if one.polarity is None else one.polarity.name[0]} "
        f"{one.x[0]:g} {one.x[-1]:g} {one.resistance[-1]:g}"
        for one in measurement.curves
    ]
    count = len(found) + 1
    assert [*found, measurement.unit] == expected[:count]
    assert list(measurement.digests) == [f"bar{number}.csv" for number in range(len(texts))]
    assert len(measurement.notes) == len(expected[count:])
    assert all(map(str.__contains__, measurement.notes, expected[count:]))


@pytest.mark.parametrize(
    ("texts", "given", "expected"),
    [
        (["pulse,V (V)\n1,2\n"], {}, r"bar0.csv has no column of resistance .*it has pulse, V\)"),
        (["shot,R_AH\n1,2\n"], {}, "no column of pulse nor one of current .*`column` pulse=NAME"),
        (
            [GOOD],
            {"columns": NAMED},
            r"column shots \(it has pulse, R_AH\); mend `column` pulse=shots",
        ),
        (["pulse,R_AH,r_ah\n1,2,3\n"], {}, "two columns are called r_ah; rename one"),
        (["pulse,R_AH (V)\n1,2\n"], {}, r"column R_AH is a voltage; .* `read_current` 0.1mA"),
        (["pulse,R_AH (MOHM)\n1,2\n"], {}, r"column R_AH is in MOHM, which is not known for"),
        (["pulse (mA),R_AH\n1,2\n"], {}, "column pulse is in mA, which is not known for a puls"),
        (["pulse,R_1 (ohm),R_2\n1,2,3\n"], {}, "columns of R_AH have different units; give them"),
        ([GOOD, f"pulse,R\n{rows(UP)}"], {}, "bar1.csv gives R_AH in no unit, but .*bar0.csv in "),
        (["pulse,R_AH\n0,1\n"], {}, "line 2: device bar0 has 1 point; a curve needs at least 5"),
        (["pulse,R_AH\n" + rows([3] * 9)], {}, "device bar0: R_AH does not change; is it the ri"),
        (["pulse,R_AH\n" + rows(UP, -3)], {}, "line 2: pulse is -3; give 0 to 65,535"),
        (["polarity,pulse,R\nleft,1,2\n"], {}, "line 2: polarity is 'left'; give potentiation or"),
        (
            ["polarity,pulse,R_AH\n" + rows(UP, before="depression,")],
            *({}, "line 2: R_AH rises with pulses of depression; number pulses in the order"),
        ),
        (
            ["current,pulse,R\n" + rows(UP, before="8,") + rows(UP, before="-8,")],
            *({}, "rises with pulse currents of either sign"),
        ),
        (
            [GOOD],
            *({"turn": 6}, "line 2: device bar0 has pulses 0 to 7 and cannot turn at 6; mend `tu"),
        ),
        (["I,R\n" + rows(UP)], {"branch": "down"}, "no branch of down: the current never falls"),
    ],
)
def test_files_that_make_no_sense(
    texts: list[str], given: dict[str, Any], expected: str, read: Read
) -> None:
    with pytest.raises(UserError, match=expected) as caught:
        read(*texts, **given)
    assert "\n" not in str(caught.value)
    assert "bar" in str(caught.value)


def test_polarity_by_the_sign_of_the_pulse_current(read: Read) -> None:
    """The row before the first pulse has no current; depression turns over a plateau."""
    up, down = curve(3, 20), 1 - curve(3, 20)
    text = "current (mA),pulse,R_AH (ohm)\n"
    for _ in range(2):
        text += rows(up[:1], before="0,") + rows(up[1:], 1, "8,") + rows(down[1:], 20, "-11,")
    # Swapped signs give the same: the change of R_AH decides.
    swapped = text.replace("\n8,", "\nx,").replace("\n-11,", "\n11,").replace("x", "-8")
    for one in (text, swapped):
        found = [(one.polarity, one.x.size, one.x[0]) for one in read(one).curves]
        assert found == [(P, 20, 0), (D, 19, 1)] * 2


@pytest.mark.parametrize(
    ("heads", "ways"),
    [
        ("Source Current(A)", ("8.0E-3", "-1.1E-2")),
        ("V_pulse (V)", ("2.5", "-3.4")),
        ("Set/Reset", ("SET", "RESET")),
        ("polarity", ("0", "1")),
        ("polarity", ("plus", "minus")),
        ("x", ("", "")),
    ],
)
@pytest.mark.parametrize("counted", ["anew", "on", "on and on"])
def test_runs_are_told_apart_by_their_order_and_then_by_the_course_of_r_ah(
    heads: str, ways: tuple[str, str], counted: str, read: Read
) -> None:
    """Pulses are counted anew in each run, on within a cycle, or on through all."""
    if counted == "on and on" and heads in ("V_pulse (V)", "x"):
        return  # the beginning of a cycle is unknown
    lines = [f"Device,Cycle,Pulse,{heads},R_AH (Ohm)"]
    for cycle, run in np.ndindex(3, 2):
        values = abs(run - curve((9, 6)[run], 40, 2 * cycle + run))
        base = {"anew": 0, "on": 39 * run, "on and on": 39 * (2 * cycle + run)}[counted]
        for n in range(bool(base), 40):
            lines.append(f"B,{cycle},{base + n},{ways[run]},{values[n]:.5f}")
    found = [(one.polarity, round(one.x[-1])) for one in read("\n".join(lines)).curves]
    assert found == [(P, 39), (D, 39)] * 3


@pytest.mark.parametrize("devices", ["A", "AB"])
def test_r_ah_of_the_other_sign_is_turned_and_that_is_told(devices: str, read: Read) -> None:
    text = "device,polarity,pulse,R_AH\n"
    for device in "AB":
        sign = -1 if device in devices else 1
        text += rows(sign * curve(9), before=f"{device},P,")
        text += rows(-sign * curve(5), before=f"{device},D,")
    measurement = read(text)
    assert all(one.swing > 0.5 for one in measurement.curves)
    (note,) = measurement.notes
    assert f" in {', '.join(devices)}: its sign is taken as reversed, and turned" in note


def test_a_hall_voltage_is_read_with_the_current_that_the_file_names(read: Read) -> None:
    for text in ("# read current: 0.1 mA\npulse,V_H (uV)\n", "pulse,V_H (uV),I_read (uA)\n"):
        own = rows(100 * UP)
        own = own.replace("\n", ",100\n") if "I_read" in text else own
        assert read(text + own).curves[0].resistance == pytest.approx(UP)


def test_curves_without_any_value_and_films_that_are_still_are_no_reason_to_refuse(
    read: Read,
) -> None:
    text = "device,pulse,R_AH (ohm)\n" + rows(curve(9), before="A,")
    for value in ("9.9E37", "0.4"):
        found = read(text + rows([value] * 30, before="B,"))
        assert [one.device for one in found.curves] == ["A"] + ["B"] * (value == "0.4")
        assert [note.endswith("B has no values and is left out") for note in found.notes] == (
            [True] * (value != "0.4")
        )


def test_missing_values_are_left_out_and_counted(read: Read) -> None:
    values: list[Any] = curve(10).tolist()
    values[4], values[9], values[20] = "", "9.9E+37", "NaN"
    measurement = read(PLAIN + rows(values))
    assert measurement.curves[0].x.tolist() == [n for n in range(30) if n not in (4, 9, 20)]
    assert measurement.notes[0].endswith(
        "3 of 30 values are missing or out of the meter's range, the first in line 6; they are "
        "left out"
    )
    values[5] = "#N/A"
    with pytest.raises(UserError, match=r"lacks 4 of 30 values, more than `missing` 0\.1 of a c"):
        read(PLAIN + rows(values))
    assert read(PLAIN + rows(values), missing=0.2).curves[0].x.size == 26


def test_a_pulse_read_several_times_is_one_point(read: Read) -> None:
    rng = np.random.default_rng(0)
    reads = curve(10, noise=0)[:, np.newaxis] + rng.normal(0, 0.02, (30, 4))
    lines = [f"{n},{k},{reads[n, k]:.6f}\n" for n in range(30) for k in range(4)]
    measurement = read("pulse,read,R_AH (ohm)\n" + "".join(lines))
    (one,) = measurement.curves
    assert one.resistance == pytest.approx(reads.mean(axis=1), abs=1e-6)
    assert one.scatter is not None
    assert (one.x.tolist(), one.scatter[1].tolist()) == (list(range(30)), [3] * 30)
    assert one.scatter[0] == pytest.approx(3 * reads.var(axis=1, ddof=1), abs=1e-6)
    # Without a column of reads they may be cycles.
    unsaid = read("pulse,R_AH (ohm)\n" + "".join(f"{n},{r}\n" for n in range(30) for r in reads[n]))
    assert [len(one.notes) for one in (measurement, unsaid)] == [0, 1]
