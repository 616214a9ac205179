"""``allspin fit``: its files, its refusals, and one line for each bad file."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.sim.device.device import Device
from allspin.sim.device.device_file import load_device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.table_synapse import TableSynapse

N = np.arange(41)


def pulses(seed: int = 0, bend: Callable[[np.ndarray], np.ndarray] | None = None) -> str:
    """Two devices, three cycles, both polarities; R_AH from -1 to 1 ohm."""
    rng = np.random.default_rng(seed)
    lines = ["# R_AH after each pulse", "device,cycle,polarity,pulse,R_AH (ohm)"]
    for device in "AB":
        for cycle in range(3):
            for polarity, a in (("potentiation", 15), ("depression", 8)):
                share = -np.expm1(-N / a) / -np.expm1(-40 / a)
                if bend is not None:
                    share = bend(N)
                way = 2 * share - 1 if polarity == "potentiation" else 1 - 2 * share
                way = way + rng.normal(0, 0.04, N.size)
                lines += [f"{device},{cycle},{polarity},{n},{r:.5f}" for n, r in zip(N, way)]  # noqa: B905
    return "\n".join(lines) + "\n"


def sigmoid(n: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh((n - 20) / 6)


def neuron() -> str:
    rng = np.random.default_rng(1)
    i = np.linspace(0, 12, 49)
    lines = ["device;cycle;I / mA;R_AH [mohm]"]
    for device in "NM":
        for cycle in range(2):
            r = 30 * np.clip(i - 4, 0, 6) + rng.normal(0, 1.5, i.size)
            lines += [
                f"{device};{cycle};{a:.2f};{b:.3f}".replace(".", ",")
                for a, b in zip(i, r, strict=True)
            ]
    return "\n".join(lines) + "\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with curves of both kinds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pulses.csv").write_text(pulses())
    (tmp_path / "neuron.csv").write_text(neuron())
    return tmp_path


def load(name: str, at: OperatingPoint | None = None) -> Device:
    return load_device(Path(name), at)


def test_a_device_of_pulse_and_neuron_curves(folder, cli):
    out, err = cli.run("fit pulses.csv neuron.csv -o mine.toml")
    assert err == ""
    for words in ("potentiation", "depression", "neuron", "threshold", "once a write", "D2D is"):
        assert words in out
    device = load("mine.toml")
    assert isinstance(device.synapse, SotSynapse)
    assert device.name == "mine"
    assert device.synapse.record()["potentiation"]["A"] == pytest.approx(15, rel=0.15)
    assert device.synapse.c2c.potentiation == pytest.approx(0.02, rel=0.15)
    assert device.neuron.threshold == pytest.approx(4 / 12, abs=0.02)  # type: ignore[union-attr]
    assert set(device.source["sha256"]) == {"pulses.csv", "neuron.csv"}
    assert (folder / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "mine.svg").read_text("utf-8")


def test_json_is_one_object(cli):
    shown = cli.json("fit pulses.csv -o mine.toml --name 'bar 7'")
    told = [shown[key] for key in ("described", "device", "c2c_occasion", "pictures")]
    assert told == [True, "mine.toml", "write", ["mine.png", "mine.svg"]]
    a = shown["potentiation"]["A"]
    assert a["low"] < a["value"] < a["high"]
    assert shown["depression"]["intervals_from"] == "devices"
    assert load("mine.toml").name == "bar 7"


def test_a_curve_that_the_model_does_not_describe(folder, cli):
    (folder / "odd.csv").write_text(pulses(bend=sigmoid))
    *complaints, line = cli.run("fit odd.csv -o odd.toml", 1)[1].splitlines()
    for complaint, polarity in zip(complaints, ("potentiation", "depression"), strict=True):
        assert f"the model does not describe {polarity}: R^2 0." in complaint
        assert "runs where" in complaint
    assert "odd.toml is not written; see odd.png, and give --table" in line
    assert (folder / "odd.png").exists()
    assert not (folder / "odd.toml").exists()

    out, err = cli.run("fit odd.csv -o odd.toml --table")
    assert (err, "(table)" in out) == ("", True)
    synapse = load("odd.toml").synapse
    assert isinstance(synapse, TableSynapse)
    expected = 2 * sigmoid(N) - 1
    assert synapse.potentiation.resistance == pytest.approx(expected, abs=0.08)

    assert cli.json("fit odd.csv -o odd.toml --force")["described"] is False
    fitted = load("odd.toml").source["fit"]["potentiation"]
    assert fitted["goodness"]["described"] is False


def test_spikes_are_set_aside_with_a_word(folder, cli):
    lines = pulses().splitlines()
    for place in (30, 200, 333):
        lines[place] = lines[place].rpartition(",")[0] + ",7.5"
    (folder / "pulses.csv").write_text("\n".join(lines) + "\n")
    out, err = cli.run("fit pulses.csv -o mine.toml --json")
    first = "A cycle 0 potentiation pulse 28"
    assert f"3 of 492 points are set aside as outliers: {first}" in err
    found = json.loads(out)
    assert [one["resistance"] for one in found["outliers"]] == [7.5] * 3
    assert found["potentiation"]["c2c"]["write"]["value"] == pytest.approx(0.02, rel=0.15)
    assert load("mine.toml").source["outliers"][0] == first
    Path("keep.toml").write_text("keep_outliers = true")
    out, err = cli.run("fit pulses.csv -o mine.toml --json --recipe keep.toml")
    assert err == ""
    assert json.loads(out)["potentiation"]["c2c"]["write"]["value"] > 0.1


def lookup_table(sign: int) -> str:
    g, share = np.linspace(1, 2, 20), np.linspace(0, 1, 11)
    changes = sign * 0.1 + 0.02 * (share[:, None] - 0.5) + 0 * g
    lines = ["1st Row = Gbins, 2nd Row = CDF Points, 3rd row onward =  dG matrix"]
    lines += [",".join(f"{value:.6f}" for value in row) for row in (g, share)]
    return "\n".join([*lines, "", *(",".join(f"{v:.6f}" for v in row) for row in changes)])


def test_lookup_tables_of_crosssim(folder, cli):
    (folder / "dG_increasing.txt").write_text(lookup_table(1))
    (folder / "dG_decreasing.txt").write_text(lookup_table(-1))
    words = "fit dG_increasing.txt dG_decreasing.txt -o measured.toml"
    assert "lookup tables of 11 and 11 pulses between 1 and 2 S" in cli.run(words)[0]
    device = load("measured.toml")
    assert isinstance(device.synapse, TableSynapse)
    assert device.unit == "siemens"
    shown = cli.json(words)
    told = [shown[key] for key in ("pulses", "devices", "pictures")]
    assert told == [[11, 11], 1, ["measured.png", "measured.svg"]]
    assert (folder / "measured.png").read_bytes().startswith(b"\x89PNG")
    digest = hashlib.sha256((folder / "dG_increasing.txt").read_bytes()).hexdigest()
    assert device.source["sha256"]["dG_increasing.txt"] == digest
    assert device.source["not_measured"] == ["D2D of the synapse", "the neuron and its variation"]
    Path("turn.toml").write_text("turn = 3")
    line = cli.refused(f"{words} --recipe turn.toml")
    assert "is a lookup table, which is taken as it is" in line
    cli.run(f"{words} --base paper")
    assert "neuron.threshold" in load("measured.toml").source["from_base"]


def test_several_currents_of_one_file_become_points(folder, cli):
    """Two currents of potentiation; depression at one. From the file to chips at each point."""
    rng = np.random.default_rng(4)
    lines = ["cycle,current (mA),pulse,R_AH (ohm)"]
    for cycle in range(3):
        for current, a in ((8.0, 20.0), (-11.0, 12.0), (11.0, 9.0), (-11.0, 12.0)):
            share = np.expm1(-N / a) / np.expm1(-40 / a) * 2 - 1
            way = (share if current > 0 else -share) + rng.normal(0, 0.01, N.size)
            lines += [f"{cycle},{current},{n},{r:.5f}" for n, r in zip(N, way, strict=True)]
    (folder / "bars.csv").write_text("\n".join(lines) + "\n")
    for current in (8, 11):
        where = f"--where current={current},-11 --point current={current}mA"
        cli.run(f"fit bars.csv -o wafer.toml {where}")
    points = [None, *(OperatingPoint(current=each) for each in (11e-3, 9e-3, 8e-3))]
    devices = [load("wafer.toml", at) for at in points]
    bends = [each.synapse.record()["potentiation"]["A"] for each in devices]
    assert bends[:2] == [pytest.approx(20, rel=0.1), pytest.approx(9, rel=0.1)]
    assert bends[1] < bends[2] < bends[0] == bends[3]
    # The other polarity's current is the same at both points, and at one of them equal to it.
    for device, current in zip(devices[1:], (11e-3, 9e-3, 8e-3), strict=True):
        assert device.electrical.potentiation_current == pytest.approx(current)
        assert device.electrical.depression_current == pytest.approx(11e-3)
    line = cli.refused("fit bars.csv -o x.toml --point volts=1")
    assert "a point is such as current=9mA" in line


def test_the_reading_of_columns_is_explained(folder, cli):
    text = pulses().replace("R_AH (ohm)", "Rxy_mOhm").replace("A,2,", "A,9,")
    (folder / "pulses.csv").write_text(text)
    out, err = cli.run("fit --explain pulses.csv neuron.csv")
    assert (err, sorted(path.name for path in folder.iterdir())) == (
        "",
        ["neuron.csv", "pulses.csv"],
    )
    rows = [line.split("\t") for line in out.splitlines()]
    assert ["pulses.csv", "Rxy", "mOhm", "resistance", "by its name"] in [row[:5] for row in rows]
    assert ["B", "2", "depression", "pulses.csv", "454", "41", "fitted"] in rows
    assert ["M", "1", "", "neuron.csv", "149", "49", "fitted"] in rows
    shown = cli.json("fit --explain pulses.csv -o mine.toml")
    assert [one["taken for"] for one in shown["columns"]][-2:] == ["pulse", "resistance"]
    assert (len(shown["curves"]), load("mine.toml").name) == (12, "mine")
    # It tells why a file is refused, too.
    (folder / "pulses.csv").write_text(text.replace("Rxy_mOhm", "Q_mOhm"))
    out, err = cli.run("fit --explain pulses.csv", 2)
    assert "pulses.csv\tQ\tmOhm\treading\t" in out
    assert "or name it with --column resistance=NAME" in err
    assert "give -o DEVICE, or --explain" in cli.refused("fit pulses.csv")


def test_columns_of_one_file_of_several_are_named(folder, cli):
    (folder / "pulses.csv").write_text(pulses().replace(",pulse,", ",Shots,"))
    cli.run("fit pulses.csv neuron.csv --column pulse=pulses.csv:Shots -o mine.toml")
    assert load("mine.toml").neuron is not None
    line = cli.refused("fit pulses.csv --column pulse=pulse.csv:Shots -o mine.toml")
    assert "--column pulse=pulse.csv:Shots is of no file that is given" in line
