"""What files say of pulses and reads."""

from pathlib import Path

import numpy as np
import pytest

from allspin.host.fit.columns import ReadOptions
from allspin.host.fit.fit import fit
from allspin.host.fit.result import FitOptions
from allspin.host.fit.runs import read_measurement
from allspin.sim.errors import UserError

N = np.arange(31)


def write(path: Path, heads: str, cells: dict[int, str], cycles: int = 2) -> Path:
    """A file of both polarities; `cells` has the further columns of each sign of the current."""
    rng = np.random.default_rng(0)
    lines = [f"pulse,R_AH (ohm),polarity,{heads}"]
    for _ in range(cycles):
        for sign, name in ((1, "P"), (-1, "D")):
            way = sign * (2 * np.expm1(-N / 9) / np.expm1(-30 / 9) - 1)
            way = way + rng.normal(0, 0.01, N.size)
            lines += [f"{n},{r:.5f},{name},{cells[sign]}" for n, r in zip(N, way, strict=True)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(
    ("heads", "cells", "expected"),
    [
        (
            "current (mA),width (ms),read current (uA)",
            {1: "11,1,100", -1: "-10,1,100"},
            {
                "potentiation_current": 11e-3,
                "depression_current": 10e-3,
                "pulse_time": 1e-3,
                "read_current": 1e-4,
            },
        ),
        (
            "Write current [A],Pulse duration [us],Read time [s],Reset current [A]",
            {1: "0.008,5,0.2,0.02", -1: "0.008,5,0.2,0.02"},
            {
                "potentiation_current": 8e-3,
                "depression_current": 8e-3,
                "pulse_time": 5e-6,
                "read_time": 0.2,
                "saturation_current": 0.02,
            },
        ),
        # Without a unit nobody knows what it is; a length is one of time only in seconds.
        ("current,length (um)", {1: "11,30", -1: "-10,30"}, {}),
        # A pulse time is one for both polarities.
        (
            "i_pulse (mA),t_pulse (ns)",
            {1: "3,10", -1: "3,20"},
            {"potentiation_current": 3e-3, "depression_current": 3e-3},
        ),
    ],
)
def test_currents_widths_and_times_of_columns(
    tmp_path: Path, heads: str, cells: dict[int, str], expected: dict[str, float]
) -> None:
    path = write(tmp_path / "bar.csv", heads, cells)
    assert read_measurement([path]).electrical == pytest.approx(expected)
    device = fit([path], FitOptions("bar", keep_outliers=True)).device()
    known = {key: value for key, value in vars(device.electrical).items() if value is not None}
    assert known == pytest.approx(expected)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["Pulse width: 1 ms", "I_pulse = -9 mA"],
            {"pulse_time": 1e-3, "depression_current": 9e-3},
        ),
        (["# Write duration (us): 2,5"], {"pulse_time": 2.5e-6}),
        (["Read current;0.1;mA", "width: 30 um"], {"read_current": 1e-4}),
        (["Depression current = 7 mA"], {"depression_current": 7e-3}),
        (["Pulse width: 1", "Pulse width is 1 ms", "Pulse length: 1 mm"], {}),
        (["Pulse width: 1 ms", "Pulse width: 2 ms"], {}),
    ],
)
def test_what_a_preamble_says(tmp_path: Path, lines: list[str], expected: dict[str, float]) -> None:
    path = write(tmp_path / "bar.csv", "note", {1: "x", -1: "x"})
    path.write_text("\n".join([*lines, path.read_text()]))
    found = read_measurement([path]).electrical
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    assert expected or not found
    # A column knows better.
    both = write(tmp_path / "both.csv", "current (mA),width (ms)", {1: "11,4", -1: "-10,4"})
    both.write_text("\n".join([*lines, both.read_text()]))
    found = read_measurement([both]).electrical
    assert (found["pulse_time"], found["depression_current"]) == (4e-3, 10e-3)


def test_what_is_measured_is_not_the_base_s(tmp_path: Path) -> None:
    path = write(tmp_path / "bar.csv", "current (mA)", {1: "11", -1: "-10"})
    device = fit([path], "bar", base="paper").device()
    assert device.electrical.potentiation_current == pytest.approx(11e-3)
    assert device.electrical.pulse_time == pytest.approx(1e-3)
    lent = device.source["from_base"]
    assert "synapse.electrical.potentiation_current" not in lent
    assert "synapse.electrical.pulse_time" in lent


def test_files_that_differ_and_what_is_said_of_them(tmp_path: Path) -> None:
    paths = [
        write(
            tmp_path / f"{width}.csv",
            "current (mA),width (ms)",
            {1: f"8,{width}", -1: f"-8,{width}"},
        )
        for width in (1, 2)
    ]
    found = read_measurement(paths)
    assert found.electrical == pytest.approx(
        {"potentiation_current": 8e-3, "depression_current": 8e-3}
    )
    assert "pulse_time differs (0.001 to 0.002) and is left out" in found.notes
    chosen = read_measurement(paths[:1], ReadOptions(read_current=-1e-4))
    assert (chosen.electrical["pulse_time"], chosen.electrical["read_current"]) == (1e-3, 1e-4)


def test_a_current_that_varies_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "bar.csv"
    both = [write(path, "current (mA)", {1: f"{at}", -1: "-9"}).read_text() for at in (8, 10)]
    path.write_text(both[0] + both[1].partition("\n")[2])
    found = read_measurement([path], ReadOptions(ignored=("current",)))
    assert found.electrical == pytest.approx({"depression_current": 9e-3})
    chosen = read_measurement([path], ReadOptions(where=("current=10,-9",)))
    assert chosen.electrical["potentiation_current"] == pytest.approx(10e-3)


def curves(a: float, seed: int, before: str = "", after: str = "") -> str:
    """Two cycles of both polarities, of a device with this A."""
    rng = np.random.default_rng(seed)
    lines = []
    for cycle in (1, 2):
        for sign, name in ((1, "P"), (-1, "D")):
            way = sign * (2 * np.expm1(-N / a) / np.expm1(-30 / a) - 1) + rng.normal(0, 0.01, 31)
            lines += [
                f"{before}{cycle},{name},{n},{r:.5f}{after}" for n, r in zip(N, way, strict=True)
            ]
    return "\n".join(lines) + "\n"


def test_tables_at_two_currents_are_no_cycles_of_one_device(tmp_path: Path) -> None:
    path = tmp_path / "bars.txt"
    head = "cycle,polarity,pulse,R_AH (ohm)\n"
    path.write_text(
        f"Device: b\nPulse current: 8 mA\n{head}{curves(25, 0)}"
        f"Device: b\nPulse current: 10 mA\n{head}{curves(10, 1)}"
    )
    with pytest.raises(UserError) as caught:
        read_measurement([path])
    assert str(caught.value) == (
        f"{path}, line 130: device b has Pulse current 10 mA, but Pulse current 8 mA in {path}, "
        "line 3; they are no cycles of one curve: give those of one value, or call the device "
        "differently"
    )
    # Two devices may have two; the device file then has none, which is said.
    path.write_text(path.read_text().replace("Device: b", "Device: c", 1))
    measurement = read_measurement([path])
    assert {one.device for one in measurement.curves} == {"b", "c"}
    (note, _) = measurement.notes
    assert note == "potentiation_current differs (0.008 to 0.01) and is left out"


@pytest.mark.parametrize(
    ("one", "other", "refused"),
    [
        # A column of each file, and lines before the table; of one unit or another.
        ((8, "mA", "column"), (10, "mA", "column"), True),
        ((8, "mA", "column"), (8000, "uA", "column"), False),
        ((8, "mA", "line"), (10, "mA", "line"), True),
        ((8, "mA", "line"), (0.008, "A", "column"), False),
        ((8, "mA", "column"), (10, "mA", "line"), True),
        ((8, "mA", "line"), (8.01, "mA", "line"), None),
    ],
)
def test_files_at_two_currents_are_no_cycles_of_one_device(
    one: tuple[float, str, str], other: tuple[float, str, str], refused: bool | None, tmp_path: Path
) -> None:
    paths = []
    for number, (value, unit, place) in enumerate((one, other)):
        paths.append(tmp_path / f"{number}.csv")
        heads, after, line = f",current ({unit})", f",{value}", ""
        if place == "line":
            heads, after, line = "", "", f"# current = {value} {unit}\n"
        text = f"{line}device,cycle,polarity,pulse,R_AH (ohm){heads}\n"
        paths[-1].write_text(text + curves((25, 10)[number], number, "b,", after))
    if refused:
        with pytest.raises(UserError, match=r"b has current 10 mA, but current 8 mA in .*0\.csv"):
            read_measurement(paths)
        return
    measurement = read_measurement(paths)
    assert len(measurement.curves) == 8
    assert any("differ by 0.1% and are taken as one" in note for note in measurement.notes) is (
        refused is None
    )


def mixed(heading: str, two: tuple[float, float], scatter: float, order: str = "0101") -> str:
    """Cycles of A 25 and of A 10, each with its own setting, read back with some scatter."""
    rng = np.random.default_rng(5)
    lines = [f"cycle,polarity,pulse,R_AH (ohm),{heading}"]
    for cycle, which in enumerate(map(int, order)):
        for sign, name in ((1, "P"), (-1, "D")):
            way = sign * np.expm1(-N / (25, 10)[which]) / np.expm1(-30 / (25, 10)[which])
            lines += [
                f"{cycle},{name},{n},{r + rng.normal(0, 0.005):.5f},"
                f"{two[which] + rng.normal(0, scatter):.6g}"
                for n, r in zip(N, way, strict=True)
            ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("heading", "two", "scatter", "choice"),
    [
        ("Source current (mA)", (8, 10), 0.003, "7.9..8.1"),
        ("Isrc (mA)", (8, 10), 0.003, "7.9..8.1"),
        ("Bias (mA)", (8, 10), 0.003, "7.9..8.1"),
        ("Pulse current (mA)", (8, 10), 0.003, "7.9..8.1"),
        ("Pulse voltage (V)", (1.5, 2.0), 0.001, "1.49..1.51"),
        ("Stage temperature (K)", (300, 350), 0.05, "299..301"),
        # Called as nothing is, but the same within cycles and another between them.
        ("Keithley 2", (0.8, 1.0), 0.0003, "0.79..0.81"),
        ("Step", (8, 10), 0, "8"),
    ],
)
def test_settings_that_are_read_back_are_found_and_chosen_by_a_range(
    heading: str, two: tuple[float, float], scatter: float, choice: str, tmp_path: Path
) -> None:
    path = tmp_path / "bar.csv"
    path.write_text(mixed(heading, two, scatter))
    name = heading.partition(" (")[0]
    with pytest.raises(UserError) as caught:
        read_measurement([path])
    words = str(caught.value)
    assert f"column {name} varies within potentiation (" in words
    assert f'choose by --where "{name}={choice}", or let it' in words
    # What is advised works, and chooses the curves of one setting.
    curves = read_measurement([path], ReadOptions(where=(f"{name}={choice}",))).curves
    assert [one.x.size for one in curves] == [31] * 4
    assert {one.cycle for one in curves} == {"0", "2"}


@pytest.mark.parametrize(
    ("heading", "two", "scatter", "order"),
    [
        # Readings that drift, or of a resistance; a count of cycles; a bound of the meter's.
        ("V_xx (mV)", (80, 82), 0.5, "0011"),
        ("R_xx (ohm)", (310, 330), 0.5, "0101"),
        ("Step", (1, 2), 0, "01"),
        ("I measured (mA)", (8, 8.1), 0.05, "0101"),
    ],
)
def test_readings_and_counts_may_vary(
    heading: str, two: tuple[float, float], scatter: float, order: str, tmp_path: Path
) -> None:
    path = tmp_path / "bar.csv"
    path.write_text(mixed(heading, two, scatter, order))
    assert len(read_measurement([path]).curves) == 2 * len(order)


def test_a_clock_with_pauses_is_no_setting(tmp_path: Path) -> None:
    lines = mixed("t", (0, 0), 0).splitlines()
    rows = [f"{line.rpartition(',')[0]},{n + n // 62 * 50_000}" for n, line in enumerate(lines[1:])]
    path = tmp_path / "bar.csv"
    path.write_text("\n".join([lines[0], *rows]))
    assert len(read_measurement([path]).curves) == 8


def test_a_setting_that_ramps_is_chosen_by_some_range(tmp_path: Path) -> None:
    lines = mixed("Stage temperature (K)", (300, 300), 0).splitlines()
    rows = [f"{line.rpartition(',')[0]},{300 + 0.13 * n:.2f}" for n, line in enumerate(lines[1:])]
    path = tmp_path / "bar.csv"
    path.write_text("\n".join([lines[0], *rows]))
    with pytest.raises(UserError, match=r'choose by --where "Stage temperature=LOW\.\.HIGH", or'):
        read_measurement([path])


@pytest.mark.parametrize(("heading", "refused"), [("anneal (h)", True), ("R_xx (ohm)", False)])
def test_what_is_measured_may_differ_between_files(
    heading: str, refused: bool, tmp_path: Path
) -> None:
    paths = []
    for value in (1, 2):
        paths.append(tmp_path / f"{value}.csv")
        text = f"device,cycle,polarity,pulse,R_AH (ohm),{heading}\n"
        paths[-1].write_text(text + curves(9, value, "b,", f",{value}"))
    if refused:
        with pytest.raises(UserError, match=r'2 h, but anneal 1 h .*--ignore-column "anneal"'):
            read_measurement(paths)
        return
    assert len(read_measurement(paths).curves) == 8
