"""Switching probabilities drawn from a known neuron, and the fitted neuron."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from allspin.host.fit.switching import fit_switching
from allspin.sim.device.device_file import load_device
from allspin.sim.errors import UserError
from allspin.sim.network.neuron import StochasticNeuron

MIDDLE, SIGMA = 0.010, 0.0015  # ampere
CURRENTS = np.linspace(1, 20, 20)  # milliampere


def write(path: Path, uses: int, form: str, seed: int = 1, middles: tuple = (MIDDLE,)) -> Path:
    rng = np.random.default_rng(seed)
    heads = {"counts": "switched,trials", "rows": "switched", "shares": "probability (%)"}
    lines = [f"device,current (mA),{heads[form]}"]
    for bar, middle in enumerate(middles):
        for current in CURRENTS:
            drawn = rng.random(uses) < ndtr((current / 1000 - middle) / SIGMA)
            cells = {
                "counts": [f"{drawn.sum()},{uses}"],
                "rows": list(map(str, drawn.astype(int))),
                "shares": [str(100 * drawn.mean())],
            }[form]
            lines += [f"bar {bar},{current},{cell}" for cell in cells]
    path.write_text("\n".join(lines))
    return path


def test_rows_of_single_uses_are_counts(tmp_path: Path) -> None:
    rows, counts = (
        fit_switching(write(tmp_path / f"{form}.csv", 60, form), "paper")
        for form in ("rows", "counts")
    )
    assert rows.values == counts.values
    assert rows.source["uses"] == counts.source["uses"] == 1200


@pytest.mark.parametrize("form", ["counts", "shares"])
def test_intervals_hold_the_truth_as_often_as_they_say(tmp_path: Path, form: str) -> None:
    held = []
    for seed in range(40):
        found = fit_switching(write(tmp_path / "s.csv", 60, form, seed), "paper")
        for name, truth in (("I_50", MIDDLE), ("sigma", SIGMA)):
            held.append(found.values[name].low < truth < found.values[name].high)
            assert found.values[name].value == pytest.approx(truth, rel=0.3)
    assert 0.88 <= np.mean(held) <= (1 if form == "shares" else 0.99)


def test_the_device_has_the_neuron_and_its_spread(tmp_path: Path) -> None:
    middles = tuple(MIDDLE + 0.001 * step for step in (-1, -0.5, 0.2, 0, 1.3))
    found = fit_switching(write(tmp_path / "s.csv", 2000, "counts", middles=middles), "paper")
    assert found.complaints == []
    spread = found.values["threshold_spread"].value
    assert spread == pytest.approx(np.std(middles, ddof=1) / 0.020, rel=0.05)
    found.device().save(tmp_path / "mine.toml")
    device = load_device(tmp_path / "mine.toml")
    neuron = device.neuron
    assert isinstance(neuron, StochasticNeuron)
    assert neuron.middle == pytest.approx(np.mean(middles) / 0.020, rel=0.01)
    assert neuron.sigma == pytest.approx(SIGMA / 0.020, rel=0.05)
    assert device.neuron_variation.threshold_deviation(neuron) == spread


def test_a_curve_with_two_steps_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    x = np.linspace(0.5, 20, 40)
    bent = (ndtr((x - 4) / 0.5) + ndtr((x - 15) / 0.5)) / 2  # two steps
    path.write_text(
        "I (mA),p_switch,trials\n"
        + "".join(f"{i},{p},9999\n" for i, p in zip(x, bent, strict=True))
    )
    assert fit_switching(path, "paper").complaints


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("1,0\n2,0\n3,1\n4,1", "width of the step"),
        ("1,0\n2,0\n3,0\n4,0", "width of the step"),
        ("1,0\n2,0.5\n3,1.5\n4,1", "line 4"),
        ("1,0\n2,\n3,0.5\n4,1", "line 3"),
        ("-1,0\n2,0.5\n3,0.5\n4,1", "one sign"),
        ("1,0.9\n2,0.8\n3,0.2\n4,0.1", "less often"),
    ],
)
def test_files_that_cannot_be_fitted(tmp_path: Path, rows: str, line: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(f"current (mA),probability\n{rows}\n")
    with pytest.raises(UserError, match=line):
        fit_switching(path, "paper")
