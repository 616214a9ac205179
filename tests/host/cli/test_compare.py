"""``allspin compare``: its output, its files, and its refusals."""

import contextlib
import dataclasses
import io
import json
import re
from types import SimpleNamespace

import pytest

from allspin.host.cli.main import main
from allspin.sim.cost.liberty import CELLS_45
from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_network import random_network


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """The folder that one run leaves, its numbers, and its output."""
    place = tmp_path_factory.mktemp("compare")
    with contextlib.chdir(place), contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(["compare", "mnist-10", "--images", "20"]) == 0
    folder = place / "out" / "compare" / "mnist-10"
    found = json.loads((folder / "compare.json").read_text())
    return SimpleNamespace(folder=folder, found=found, printed=out.getvalue())


def test_it_leaves_its_pictures_and_numbers(left):
    assert {path.name for path in left.folder.iterdir()} == {
        "compare.json",
        *(
            f"{name}.{kind}"
            for name in ("energy-split", "tornado", "break-even")
            for kind in ("png", "svg")
        ),
    }
    assert left.found["network"] == "mnist-10"
    assert left.found["images_counted"] == 20
    # Every neuron is named in the picture, but for the one that is off its scale.
    picture = (left.folder / "energy-split.svg").read_text()
    for neuron in left.found["neurons"]:
        assert (f"<!-- {neuron['name']} -->" in picture) == (neuron["name"] != "cmos-column")


def test_the_tables_have_every_neuron_and_the_papers_figures(left):
    for neuron in left.found["neurons"]:
        assert left.printed.count(f"\n{neuron['name']}\t") >= 2
    for figure in (
        "SOT neuron, as claimed\t0.1\tfJ",
        "\t0.0004\tfJ",
        "\t1.78 to 3.36\tfJ",
        "\t2.5\tus",
        "\t4.788\tum^2",
        "dense array, 110 multipliers",
        "programming once, write-verify",
    ):
        assert figure in left.printed


def test_json_is_the_same_and_the_bare_gate_is_in_it(left, cli):
    assert cli.json("compare mnist-10 --images 20") == left.found
    (bare,) = [neuron for neuron in left.found["neurons"] if neuron["name"] == "cmos-bare"]
    assert 4.7 * 0.9 < bare["area_um2"] < 4.7 * 1.1
    assert {"name", "area_um2", "energy_fj", "accuracy"} <= set(bare)


def test_another_library_another_network_other_options(tmp_path, cli):
    text = CELLS_45.read_text().replace("library (cells45)", "library (halved)")
    library = tmp_path / "other.lib"
    library.write_text(re.sub(r"area : ([0-9.]+);", lambda m: f"area : {float(m[1]) / 2};", text))
    network = tmp_path / "mine.safetensors"
    # Images of MNIST's shape: the random network's are a single line.
    mine = random_network((784, 12, 10), 0, hidden_bits=3)
    save_network(dataclasses.replace(mine, image_shape=(28, 28)), network)
    words = f"--images 10 --liberty {library} --frequency 50 --periphery comparator"
    found = cli.json(f"compare {network} {words}")
    assert found["library"] == "halved"
    assert found["frequency_hz"] == 50e6
    assert found["fpga"] is None
    neurons = {neuron["name"]: neuron for neuron in found["neurons"]}
    # A gate of three bits, half as large; 20 ns of leakage.
    bare = neurons["cmos-bare"]
    assert bare["area_um2"] == pytest.approx((3 * 1.064 + 0.532) / 2)
    assert bare["energy_parts_fj"]["leakage"] == pytest.approx((3 * 25.07 + 14.35) * 20e-3)
    assert bare["periphery_parts_fj"] == {"amplifier": 0, "adc": 67}
    assert bare["details"]["origin"].startswith("converted from")
