"""Settings of pulses and reads: figures of the device, and columns that must not vary."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allspin.host.fit.fitting import fit
from allspin.host.fit.options import FitOptions
from allspin.host.lab.curves import Measurement
from allspin.host.lab.reading import ColumnNames
from allspin.sim.errors import UserError

Read = Callable[..., Measurement]
Cycle = tuple[Any, ...]
N = np.arange(31)


def bars(heads: str, *cycles: Cycle, lines: str = "") -> str:
    """A table of cycles, each of an A and of further cells for either polarity, or for one.

    Numbers with a ``~`` are read back with this scatter.
    """
    rng = np.random.default_rng(5)
    found = [f"{lines}device,cycle,polarity,pulse,R_AH (ohm){heads}"]
    for cycle, (a, *cells) in enumerate(cycles):
        for name, sign, cell in zip("PD", (1, -1), cells, strict=False):
            way = sign * np.expm1(-N / a) / np.expm1(-30 / a) + rng.normal(0, 0.005, N.size)
            way += sign < 0
            mean, _, scatter = cell.partition("~")
            for n, r in zip(N, way, strict=True):
                own = f"{float(mean) + rng.normal(0, float(scatter)):.6g}" if scatter else cell
                found.append(f"b,{cycle},{name},{n},{r:.5f}" + f",{own}" * bool(heads))
    return "\n".join(found) + "\n"


def outcome(read: Read, texts: list[str], **given: Any) -> str:
    """Return the number of curves, figures of pulses, and notes; or the error."""
    try:
        found = read(*texts, **given)
    except UserError as error:
        return str(error)
    figures = [f"{key}={value:g}" for key, value in sorted(found.electrical.items())]
    return "; ".join([f"{len(found.curves)} curves", " ".join(figures), *found.notes])


def twice(*cells: str) -> list[Cycle]:
    return [(9, *cells)] * 2


@pytest.mark.parametrize(
    ("heads", "cells", "lines", "expected"),
    [
        # Columns.
        (
            ",current (mA),width (ms),read current (uA)",
            ("11,1,100", "-10,1,100"),
            "",
            "depression_current=0.01 potentiation_current=0.011 pulse_time=0.001 "
            "read_current=0.0001",
        ),
        (
            ",Write current [A],Pulse duration [us],Read time [s],Reset current [A]",
            ("0.008,5,0.2,0.02", "0.008,5,0.2,0.02"),
            "",
            "depression_current=0.008 potentiation_current=0.008 pulse_time=5e-06 read_time=0.2 "
            "saturation_current=0.02",
        ),
        # A value without a unit is unknown; a length is one of time only in seconds.
        (",current,length (um)", ("11,30", "-10,30"), "", ""),
        # A pulse time is one for both polarities.
        (
            ",i_pulse (mA),t_pulse (ns)",
            ("3,10", "3,20"),
            "",
            "depression_current=0.003 potentiation_current=0.003; pulse_time differs (1e-08 to "
            "2e-08) and is left out",
        ),
        # Lines before the table, and columns that override them.
        (
            *("", ("", ""), "Pulse width: 1 ms\nI_pulse = -9 mA\n"),
            "depression_current=0.009 potentiation_current=0.009 pulse_time=0.001",
        ),
        ("", ("", ""), "# Write duration (us): 2,5\n", "pulse_time=2.5e-06"),
        ("", ("", ""), "Read current;0.1;mA\nwidth: 30 um\n", "read_current=0.0001"),
        ("", ("", ""), "Depression current = 7 mA\n", "depression_current=0.007"),
        ("", ("", ""), "Pulse width: 1\nPulse width is 1 ms\nPulse length: 1 mm\n", ""),
        ("", ("", ""), "Pulse width: 1 ms\nPulse width: 2 ms\n", ""),
        (
            *(",current (mA),width (ms)", ("11,4", "-10,4")),
            "Pulse width: 1 ms\nDepression current = 7 mA\n",
            "depression_current=0.01 potentiation_current=0.011 pulse_time=0.004",
        ),
    ],
)
def test_figures_of_pulses(
    heads: str, cells: tuple[str, str], lines: str, expected: str, read: Read
) -> None:
    text = bars(heads, *twice(*cells), lines=lines)
    assert outcome(read, [text]) == f"4 curves; {expected}"


MIXED = bars(",current (mA)", (9, "8", "-9"), (9, "10", "-9"))
TWO = bars(",I (mA)", (25, "8", "8"), (10, "10", "10"))


@pytest.mark.parametrize(
    ("texts", "given", "expected"),
    [
        # A setting that varies is left out, or chosen.
        (
            [MIXED],
            {"columns": ColumnNames(ignore=("current",))},
            r"^4 curves; depression_current=0.009$",
        ),
        (
            [MIXED],
            {"where": ("current=10,-9",)},
            "^3 curves; depression_current=0.009 potentiation_current=0.01$",
        ),
        (
            [bars(",width (ms)", *twice("1", "1")), bars(",width (ms)", *twice("2", "2"))],
            {"columns": ColumnNames(ignore=("width",))},
            r"pulse_time differs \(0\.001 to 0\.002\) and is left out",
        ),
        ([bars("", *twice("", ""))], {"read_current": -1e-4}, "; read_current=0.0001$"),
        # Two values within a file.
        (
            [TWO],
            {},
            r"bar0.csv: column I varies within potentiation \(8, 10\) and has no part in the model;"
            ' choose by `where` "I=8", or let it vary with `column` "ignore=I"$',
        ),
        ([MIXED], {}, r'choose by `where` "current=8,-9", or let it'),
        ([TWO], {"where": ("I=8",)}, "^2 curves"),
        ([TWO], {"where": ("I=7.9..8.1",)}, "^2 curves"),
        ([TWO], {"columns": ColumnNames(ignore=("i",))}, "^4 curves"),
        ([TWO], {"where": ("I=9",)}, "no row has I=9; I has 8, 10$"),
        (
            [TWO],
            {"where": ("H=9",), "columns": ColumnNames(ignore=("I",))},
            "no file has a column H; mend `where` H=9",
        ),
        ([TWO], {"where": ("I",)}, "^`where` takes COLUMN=VALUE, such as current=8"),
        ([TWO], {"where": ("pulse=3",)}, "`where` pulse=3 is about the curves themselves"),
        (
            [TWO],
            {"columns": ColumnNames(ignore=("H",))},
            "bar0.csv has no column h; mend `column` ignore=h",
        ),
        (
            [bars(",anneal", (9, "as grown"), (5, "1 h"))],
            {"where": ("anneal=AS GROWN",)},
            "^1 curves",
        ),
        # Between the tables of one file, and between files.
        (
            [
                bars("", *twice("", ""), lines="Device: b\nPulse current: 8 mA\n")
                + bars("", *twice("", ""), lines="Device: b\nPulse current: 10 mA\n")
            ],
            {},
            r"line 130: device b has Pulse current 10 mA, but Pulse current 8 mA in .*bar0.csv, "
            "line 3; they are no cycles of one curve: give those of one value, or call the device "
            "differently$",
        ),
    ],
)
def test_settings_are_chosen_or_refused(
    texts: list[str], given: dict[str, Any], expected: str, read: Read
) -> None:
    assert re.search(expected, outcome(read, texts, **given))


def of(place: str, value: float, unit: str) -> str:
    """A file with a current in a column, or in a line before the table."""
    if place == "line":
        return bars("", *twice("", ""), lines=f"# current = {value} {unit}\n")
    return bars(f",current ({unit})", *twice(f"{value}", f"{value}"))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([of("column", 8, "mA"), of("column", 10, "mA")], "b has current 10 mA, but current 8 mA"),
        ([of("line", 8, "mA"), of("line", 10, "mA")], "b has current 10 mA, but current 8 mA in"),
        ([of("column", 8, "mA"), of("line", 10, "mA")], "b has current 10 mA, but current 8 mA in"),
        ([of("column", 8, "mA"), of("column", 8000, "uA")], "^8 curves"),
        ([of("line", 8, "mA"), of("column", 0.008, "A")], "^8 curves"),
        ([of("line", 8, "mA"), of("line", 8.01, "mA")], "^8 curves"),
        # Two devices may have two; the device file then leaves it out, with a note.
        (
            [of("line", 8, "mA"), of("line", 10, "mA").replace("\nb,", "\nc,")],
            "^8 curves; ; potentiation_current differs .0.008 to 0.01. and is left out",
        ),
        (
            [bars(",anneal (h)", *twice(at, at)) for at in "12"],
            '2 h, but anneal 1 h .*`column` "ignore=anneal"',
        ),
        ([bars(",R_xx (ohm)", *twice(at, at)) for at in "12"], "^8 curves"),
    ],
)
def test_files_at_two_settings_are_no_cycles_of_one_device(
    texts: list[str], expected: str, read: Read
) -> None:
    assert re.search(expected, outcome(read, texts))


def mixed(heading: str, one: str, other: str, order: str = "0101") -> str:
    """Cycles at two settings."""
    cycles = [(25, one, one), (10, other, other)]
    return bars(f",{heading}", *(cycles[int(which)] for which in order))


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        *(
            (mixed(f"{name} (mA)", "8~0.003", "10~0.003"), f"{name}=7.9..8.1")
            for name in ("Source current", "Isrc", "Bias", "Pulse current")
        ),
        (mixed("Pulse voltage (V)", "1.5~0.001", "2~0.001"), "Pulse voltage=1.49..1.51"),
        (mixed("Stage temperature (K)", "300~0.05", "350~0.05"), "Stage temperature=299..301"),
        # The name is unknown; the value is steady within cycles and differs between them.
        (mixed("Keithley 2", "0.8~0.0003", "1~0.0003"), "Keithley 2=0.79..0.81"),
        (mixed("Step", "8", "10"), "Step=8"),
        *(
            (mixed(name, one, other), f"{name.partition(' (')[0]}={one}")
            for name, one, other in (
                *(("width (us)", "1", "2"), ("H_x (Oe)", "100", "200")),
                *(("temperature", "300", "350"), ("read current (uA)", "10", "20")),
                ("in-plane field", "10", "20"),
            )
        ),
    ],
)
def test_settings_are_found_and_the_advice_chooses_those_of_one(
    text: str, choice: str, read: Read
) -> None:
    words = outcome(read, [text])
    assert f"column {choice.partition('=')[0]} varies within potentiation (" in words
    advised = re.sub(r"=[\d.]+\.\.[\d.]+$", "=LOW..HIGH", choice)
    assert f'choose by `where` "{advised}", or let it' in words
    curves = read(text, where=(choice,)).curves
    assert [one.x.size for one in curves] == [31] * 4
    assert {one.cycle for one in curves} == {"0", "2"}


def columns(heading: str, value: Callable[[int], str]) -> str:
    """Four cycles with a column whose value is another in each row."""
    head, *lines = bars("", *twice("", ""), *twice("", "")).splitlines()
    rows = [f"{line},{value(n)}" for n, line in enumerate(lines)]
    return "\n".join([f"{head},{heading}", *rows])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Readings that drift, or of a resistance; a count of cycles; a bound of the meter's.
        (mixed("V_xx (mV)", "80~0.5", "82~0.5", "0011"), "^8 curves; $"),
        (mixed("R_xx (ohm)", "310~0.5", "330~0.5"), "^8 curves; $"),
        (mixed("Count", "1", "2", "01"), "^4 curves; $"),
        (mixed("I measured (mA)", "8~0.05", "8.1~0.05"), "^8 curves; $"),
        # A value that differs in every row, or another name of a known column.
        *((mixed(name, "0", "1"), "^8 curves") for name in ("time", "index", "comment")),
        (mixed("id", "a", "b"), "^8 curves"),
        (columns("t", lambda n: f"{n + n // 62 * 50_000}"), "^8 curves"),
        (columns("delay after", lambda n: f"{0.5 * (n % 31)}"), "^8 curves"),
        # A setting that is read back with scatter, that ramps, and with one that is wrong.
        (
            columns("temperature", lambda n: f"{300 + 0.004 * (n * 7 % 124):.3f}"),
            r"column temperature scatters by 0\.2% within potentiation and is taken as constant",
        ),
        (
            columns("Stage temperature (K)", lambda n: f"{300 + 0.13 * n:.2f}"),
            r'choose by `where` "Stage temperature=LOW\.\.HIGH", or',
        ),
        (
            columns("temperature", lambda n: f"{300.0 - 100 * (n == 3) + 0.01 * n:.2f}"),
            "column temperature varies within potentiation",
        ),
    ],
)
def test_readings_and_counts_may_vary_and_settings_scatter(
    text: str, expected: str, read: Read
) -> None:
    assert re.search(expected, outcome(read, [text]))


def test_a_measured_setting_is_not_the_base_s(tmp_path: Path) -> None:
    path = tmp_path / "bar.csv"
    path.write_text(bars(",current (mA)", *twice("11", "-10")))
    device = fit([path], FitOptions("bar"), base="paper").device()
    known = device.electrical
    assert (known.potentiation_current, known.pulse_time) == pytest.approx((11e-3, 1e-3))
    lent = [key for key in device.source["from_base"] if key.startswith("synapse.electrical.p")]
    assert "synapse.electrical.pulse_time" in lent
    assert "synapse.electrical.potentiation_current" not in lent
