"""Decays drawn from known barriers by formulas written out here: the fit finds these again."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import constants
from scipy.stats import norm

from allspin.host.cli.main import main
from allspin.host.data.catalogue import open_device
from allspin.host.estimate.intervals import Interval
from allspin.host.fit.decay import fit_decay
from allspin.host.fit.options import DecayOptions
from allspin.host.lab.column_map import is_decay
from allspin.host.lab.measurement import read_measurement
from allspin.host.lab.reading import ReadOptions
from allspin.host.lab.tables import read_csv
from allspin.sim.device.device_file import load_device
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError

K = constants.k / constants.e
TIMES = np.geomspace(1, 1e5, 30)


def kept(barrier: float, within: float, attempt: float, temperature: float) -> np.ndarray:
    """Mean exponential of 5,000 regions at even places of their distribution."""
    places = norm.ppf((np.arange(5_000) + 0.5) / 5_000)
    tau = attempt * np.exp((barrier + within * places) / (K * temperature))
    return np.exp(-TIMES[:, np.newaxis] / tau).mean(axis=1)


def write(
    path: Path,
    barriers: dict[float, float],
    within: float = 0.0,
    attempt: float = 1e-9,
    temperatures: tuple[float, ...] = (300.0,),
    shifts: tuple[float, ...] = (0.0,),
) -> Path:
    """A file of decays: a curve of each device, temperature and start."""
    rng = np.random.default_rng(3)
    lines = ["device,temperature (K),time (s),R_AH"]
    every = itertools.product(enumerate(shifts), temperatures, barriers.items())
    for (number, shift), temperature, (start, barrier) in every:
        values = start * kept(barrier + shift, within, attempt, temperature)
        pairs = zip(TIMES, values + rng.normal(0, 0.004, values.size), strict=True)
        lines += [f"bar {number},{temperature},{time:.6g},{value:.6f}" for time, value in pairs]
    path.write_text("\n".join(lines) + "\n")
    return path


def holds(one: Interval | None, truth: float, off: float) -> bool:
    """Whether an interval has the truth in it, and a value is near it."""
    return one is not None and one.low < truth < one.high and abs(one.value - truth) < off


def test_one_barrier_is_found_and_said_to_be_one(tmp_path: Path) -> None:
    found = fit_decay([write(tmp_path / "decay.csv", {0.8: 0.9})], "paper")
    (barrier,) = found.fit.barriers
    assert holds(barrier, 0.9, 0.002)
    assert (found.fit.within, found.fit.attempt_time, found.complaints) == (None, None, [])
    assert found.retention() == Retention(barrier.value, 1e-9, temperature=300)


def test_a_distribution_the_attempt_time_and_barriers_by_state_are_found(tmp_path: Path) -> None:
    """Three temperatures and two states of one device."""
    barriers, temperatures = {0.9: 0.9, -0.5: 1.0}, (300, 330, 360)
    found = fit_decay([write(tmp_path / "decay.csv", barriers, 0.06, 3e-10, temperatures)], "paper")
    fit = found.fit
    assert found.complaints == []
    assert fit.p_value < 1e-6
    figures, truths = (*fit.barriers, fit.within, fit.attempt_time), (1.0, 0.9, 0.06, 3e-10)
    assert all(map(holds, figures, truths, (0.03, 0.03, 0.003, 3e-9)))
    assert fit.attempt_time is not None
    assert fit.attempt_time.high / fit.attempt_time.low < 30
    assert fit.starts == pytest.approx([-0.5, 0.9], abs=0.01)
    retention = found.retention()
    assert retention.positions == pytest.approx((0.25, 0.95), abs=0.01)
    # At another temperature and time the device agrees with the truth.
    truth = Retention(0.9, 3e-10, within=0.06, temperature=300)
    assert float(retention.kept(0.95, 1e6)) == pytest.approx(float(truth.kept(0, 1e6)), abs=0.02)


def test_devices_tell_the_deviation_between_them(tmp_path: Path) -> None:
    shifts = (-0.03, 0.01, 0.02, 0.0)
    found = fit_decay([write(tmp_path / "decay.csv", {0.8: 0.9}, shifts=shifts)], "paper").fit
    assert found.between is not None
    deviation = np.std(shifts, ddof=1)
    assert found.between.value == pytest.approx(deviation, rel=0.1)
    (barrier,) = found.barriers
    # Student's interval of four devices.
    assert barrier.high - barrier.value == pytest.approx(3.182 * deviation / 2, rel=0.1)
    assert found.within is None


def test_spikes_are_set_aside(tmp_path: Path) -> None:
    path = write(tmp_path / "decay.csv", {0.8: 0.9}, 0.05)
    lines = path.read_text().splitlines()
    lines[9] = f"{lines[9].rpartition(',')[0]},3.0"
    path.write_text("\n".join(lines))
    found, everything = (
        fit_decay([path], "paper", DecayOptions(keep_outliers=keep)) for keep in (False, True)
    )
    spike = f"device bar 0, 300 K, {TIMES[8]:.4g} s"
    assert (found.outliers(), everything.outliers()) == ([spike], [])
    barriers = [one.fit.barriers[0].value for one in (found, everything)]
    assert abs(barriers[0] - 0.9) < 0.02 < abs(barriers[1] - 0.9)


def test_units_restarts_and_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    rows = [f"{minute};{0.5 - 0.01 * minute:.3f};27" for minute in range(8)] * 2
    rows[3] = "3;9.9E+37;27"
    path.write_text("\n".join(["t (min);R_AH;temperature (°C)", *rows]))
    found = read_measurement([path], ReadOptions(missing=0.2), decay=True)
    shown = [(one.x.size, one.x[-1], one.temperature) for one in found.curves]
    assert shown == [(7, 420, 300.15), (8, 420, 300.15)]
    told = f"{path}: 1 of 16 values are missing or out of the meter's range, the first in line 5"
    assert [found.unit, *found.notes] == ["arbitrary", f"{told}; they are left out"]


@pytest.mark.parametrize(
    ("name", "head", "cells"),
    [
        ("d", "t (s),T (K),R_AH", ",350"),
        ("d", "t,T,R_AH", ",350"),
        ("d", "t_s,T_K,R_AH", ",350"),
        ("d", "time (s),Temperature (\N{DEGREE SIGN}C),R_AH", ",76.85"),
        ("d_350K", "delay (s),R_AH", ""),
        ("d", "# T = 350 K\nwaiting time [s],R_AH", ""),
        ("d", "# at 350 K\nt,R_AH", ""),
    ],
)
def test_the_temperature_is_seen_wherever_it_stands(
    name: str, head: str, cells: str, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / f"{name}.csv"
    rows = [f"{t:.6g}{cells},{r:.5f}" for t, r in zip(TIMES, kept(1.02, 0, 1e-9, 350), strict=True)]
    path.write_text("\n".join([head, *rows]), "utf-8")
    found = fit_decay([path], "paper")
    assert (recwarn.list, [one.temperature for one in found.decays.curves]) == ([], [350])
    assert found.fit.barriers[0].value == pytest.approx(1.02, abs=1e-3)


@pytest.mark.parametrize(
    ("header", "decay"),
    [
        ("time (s),R_AH", True),
        ("time (s),read current (mA),R_AH", True),
        ("time (s),pulse,R_AH", False),
        ("time (s),current (mA),R_AH", False),
        ("pulse,R_AH", False),
    ],
)
def test_a_file_is_a_decay_by_its_header(tmp_path: Path, header: str, decay: bool) -> None:
    path = tmp_path / "file.csv"
    rows = [",".join([str(row + 0.5)] * (header.count(",") + 1)) for row in range(6)]
    path.write_text("\n".join([header, *rows]))
    assert is_decay(read_csv(path)) is decay


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time (s),R_AH\n0,1\n1,1\n2,1\n", "has 3 points; a curve needs at least 5"),
        ("time (V),R_AH\n0,1\n1,1\n", "give it in s, ms, min or h"),
        (
            "time (s),R_AH (mohm)\n" + "".join(f"{n},{9 - n}\n" for n in range(9)),
            "give them in one",
        ),
        ("time (s),R_AH\n" + "".join(f"{n},0.5\n" for n in range(9)), "no curve loses 1%"),
        ("time (s),T_K,R_AH\n" + "".join(f"{n},0,0.5\n" for n in range(9)), "give 1 to 2000 K"),
        (
            "time (s),field (Oe),R_AH\n" + "".join(f"{n},{n % 2},{n}\n" for n in range(10)),
            "column field varies within the decays (0, 1) and has no part in the model; choose by",
        ),
        ("time (s),R_AH\n-1,1\n", "time is -1; give 0 to 1e+12"),
    ],
)
def test_a_decay_without_a_fit_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=re.escape(expected)):
        fit_decay([path], "paper")


def test_the_command_adds_retention_to_a_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "decay.csv", {0.8: 0.9}, 0.05, temperatures=(300, 350))
    Path("pulses.csv").write_text("\n".join(["pulse,R_AH", *(f"{n},{n}" for n in range(9))]))
    words = ["fit", "decay.csv", "-o", "aged.toml"]
    for more, message in (
        ([], "then give decays alone, with --base"),
        (["--base", "paper", "--table"], "--table is for pulse curves and neurons, not for decays"),
        (["pulses.csv", "--base", "paper"], "then give decays alone, with --base"),
    ):
        assert main([*words[:2], *more, *words[2:]]) == 2
        assert message in capsys.readouterr().err
    assert main([*words, "--base", "paper"]) == 0
    shown = capsys.readouterr()
    assert "allspin: " not in shown.err
    assert "One barrier does not describe the decays" in shown.out
    device, paper = load_device(Path("aged.toml")), open_device("paper")
    assert device.imperfections.retention is not None
    assert device.imperfections.retention.barrier == pytest.approx(0.9, abs=0.03)
    assert (device.name, device.synapse) == ("paper", paper.synapse)
    assert set(device.source["retention"]["sha256"]) == {"decay.csv"}
    assert Path("aged.png").read_bytes().startswith(b"\x89PNG")
    explain = ["fit", "decay.csv", "--explain", "--base", "paper", "--json"]
    Path("recipe.toml").write_text("attempt_time = '1ns'")
    assert main([*explain, "--recipe", "recipe.toml"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    keys = ("kind", "described", "attempt_time_assumed", "temperatures")
    assert [found[key] for key in keys] == ["decay", True, 1e-9, [300, 350]]


def test_the_picture_has_smooth_models_and_tells_bars_apart(tmp_path):
    path = write(tmp_path / "d.csv", {1.0: 0.95}, 0.05, temperatures=(300, 350), shifts=(0.0, 0.03))
    fitted = fit_decay(path, "paper")
    figure = fitted.plot()
    models = [line for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    assert len(models) == len(fitted.fit.models) == 4
    for line in models:
        x, y = (np.asarray(values, float) for values in line.get_data())
        assert x.size > 3 * TIMES.size
        # At the points it is the fit, whose curve it is.
        there = [np.interp(np.log(TIMES), np.log(x), y)]
        assert min(np.abs(there - model).max() for model in fitted.fit.models) < 1e-3
    assert len({line.get_color() for line in models}) == 4
    assert len(figure.axes[0].get_legend().get_texts()) == 4
