"""Files of curves to a device, from Python."""

import numpy as np
import pytest

from allspin.host.fit.fit import fit
from allspin.host.fit.options import FitOptions
from allspin.sim.device.device import NeuronVariation
from allspin.sim.device.device_file import load_device, save_device
from allspin.sim.network.neuron import SotNeuron


@pytest.fixture
def curves(tmp_path):
    """A neuron's curve: 4 mA threshold, 30 mohm/mA up to 10 mA; bent below 2 mA."""
    i = np.linspace(0, 12, 121)
    noise = np.random.default_rng(1).normal(0, 0.5, (2, i.size))
    lines = ["cycle,current (mA),R_AH (mohm)"]
    for cycle in range(2):
        r = 30 * np.clip(i - 4, 0, 6) + noise[cycle] + 40 * np.clip(2 - i, 0, None)
        lines += [f"{cycle},{a:.2f},{b:.3f}" for a, b in zip(i, r, strict=True)]
    path = tmp_path / "neuron.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_part_of_the_curve_in_milliampere_is_fitted_and_makes_a_device(curves, tmp_path):
    whole = fit([curves], FitOptions("n"))
    assert [line.split(":")[0] for line in whole.complaints] == ["the neuron"]
    part = fit([curves], FitOptions("n", currents=(2.0, 12.0)), base="paper")
    assert part.complaints == []
    values = part.to_dict(tmp_path / "n.toml", [])
    assert values["device"] == str(tmp_path / "n.toml")
    assert (values["kind"], values["described"]) == ("model", True)
    assert values["neuron"]["threshold"]["value"] == pytest.approx(4e-3, rel=0.01)
    assert values["neuron"]["slope"]["value"] == pytest.approx(30, rel=0.01)
    save_device(part.device(), tmp_path / "n.toml")
    device = load_device(tmp_path / "n.toml")
    assert isinstance(device.neuron, SotNeuron)
    assert device.neuron.threshold == pytest.approx(4 / 12, rel=0.01)
    assert device.neuron_variation != NeuronVariation()
    assert "synapse.depression.A" in device.source["from_base"]


def test_a_measured_table_has_no_deviations_by_the_root():
    assert FitOptions("x", table=True, occasion="pulse").occasion == "pulse"
    with pytest.raises(ValueError, match=r"^occasion must be write or pulse of a measured table"):
        FitOptions("x", table=True, occasion="root")


def test_without_a_unit_the_currents_are_the_files_numbers(curves):
    curves.write_text(curves.read_text().replace(" (mA)", ""))
    fitted = fit([curves], FitOptions("n", currents=(2.0, 12.0)))
    assert fitted.result.neuron is not None
    assert fitted.result.neuron.values["threshold"].value == pytest.approx(4, rel=0.01)


def test_what_is_odd_about_a_file_is_told(tmp_path):
    n = np.arange(41)
    up = 1 - np.exp(-n / 9)
    there_and_back = [*up, *(up[-1] - up[1:])]
    noise = np.random.default_rng(1).normal(0, 1e-3, len(there_and_back))
    rows = (f"{k},{r:.6f}" for k, r in enumerate(there_and_back + noise))
    path = tmp_path / "pulses.csv"
    path.write_text("\n".join(["pulse,R_AH (ohm)", *rows]) + "\n")
    told = []
    fitted = fit([path], FitOptions("n"), noted=told.append)
    assert told == fitted.measurement.notes
    (line,) = told
    assert line.endswith("curves are cut where R_AH turns (--turn for elsewhere), at pulse 40")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"states": 1}, "^states must be from 2 to 128, not 1$"),
        ({"currents": (5.0, 2.0)}, "^currents takes a lower and a higher magnitude"),
        ({"currents": (2.0, float("nan"))}, "^currents takes a lower and a higher magnitude"),
        ({"name": " "}, "^name must be a word or line of text$"),
    ],
)
def test_options_are_checked_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        FitOptions(**{"name": "x", **options})
