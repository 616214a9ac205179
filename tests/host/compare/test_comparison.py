"""The comparison: counted, and moved by whatever it is counted from."""

import json
import re
from typing import Any

import numpy as np
import pytest

from allspin.host.compare.comparison import compare
from allspin.host.compare.subject import CompareOptions, Subject
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.cost.liberty import Library, load_library, parse_library
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS

NETWORK = open_network("mnist-10")


DEVICE = open_device("paper")


LIBRARY = load_library()


ALL_IMAGES, ALL_LABELS = load_test_set()


IMAGES, LABELS = ALL_IMAGES[:40], ALL_LABELS[:40]


def compared(
    library: Library = LIBRARY, images: Any = IMAGES, options: CompareOptions | None = None
) -> dict[str, Any]:
    labels = LABELS[: len(images)]
    return compare(Subject("mnist-10", NETWORK, DEVICE, library, images, labels), options).to_dict()


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return compared()


def named(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {neuron["name"]: neuron for neuron in found["neurons"]}


def with_energy(library: Library, cell: str, energy: str) -> Library:
    """A library in which one cell takes another energy, as its file would be changed."""
    head, rest = library.text.split(f"cell ({cell})")
    body, tail = rest.split("\n  }\n", 1)
    changed = re.sub(r'(_power \(scalar\) \{ values \(")[^"]*', rf"\g<1>{energy}", body)
    assert changed != body
    return parse_library(f"{head}cell ({cell}){changed}\n  }}\n{tail}")


def test_it_is_plain_data_with_every_neuron(found: dict[str, Any]) -> None:
    again = json.loads(json.dumps(found))
    assert again == found
    neurons = named(found)
    assert len(neurons) == len(found["neurons"])
    assert {*NEURONS, "cmos-column"} <= set(neurons)
    for neuron in found["neurons"]:
        assert neuron["area_um2"] > 0
        assert neuron["energy_fj"] > 0
        assert 0.9 < neuron["accuracy"] <= 1
        assert neuron["energy_fj"] == pytest.approx(sum(neuron["energy_parts_fj"].values()))
        assert neuron["energy_with_periphery_fj"] >= neuron["energy_fj"]
        assert set(neuron["provenance"]) >= {"accuracy", "area", "energy", "periphery"}
        for text in neuron["provenance"].values():
            assert re.match(r"counted|synthesised|paper|reference|one clock", text)
        assert neuron["network"]["energy_pj"] == pytest.approx(
            sum(neuron["network"]["parts_fj"].get(part, 0) for part in ("synapses", "neurons"))
            / 1000
        )


def test_the_bare_gate_is_what_the_paper_prices(found: dict[str, Any]) -> None:
    bare = named(found)["cmos-bare"]
    assert bare["area_um2"] == pytest.approx(4.7, rel=0.1)
    assert bare["area_um2"] == pytest.approx(4.788)
    paper = found["paper_neuron"]
    # By hand: 1.146 fJ of leakage and 24.7 fJ times the activity; 2.622 fJ falls at 0.06.
    assert paper["gate_leakage_fj"] == pytest.approx(1.146, abs=1e-3)
    assert paper["activity_for_paper_fj"] == pytest.approx(0.06, abs=0.002)
    assert paper["stated_fj"] == pytest.approx(0.0004)
    assert paper["sheet_current_fj"] == [
        pytest.approx(1.78, abs=0.01),
        pytest.approx(3.36, abs=0.01),
    ]
    assert paper["uses_per_second"] == pytest.approx(50e6)


def test_the_spin_neurons_heat_follows_the_currents(found: dict[str, Any]) -> None:
    currents = GoldenModel(NETWORK).trace(IMAGES)[0].currents
    assert currents is not None
    square = np.mean(currents.astype(float) ** 2) / np.mean(currents) ** 2
    heat = named(found)["sot"]["energy_parts_fj"]
    assert heat["set"] == pytest.approx(0.0004 * square)
    assert heat["reset"] == pytest.approx(0.0004)


def test_one_cells_energy_changes_the_table(found: dict[str, Any]) -> None:
    before = named(found)
    after = named(compared(with_energy(LIBRARY, "AND2_X1", "5.10")))
    # Twice the energy inside of all that the four AND2 switch, and nothing else.
    ands = before["cmos-bare"]["energy_parts_fj"]["cells"]
    bare = after["cmos-bare"]["energy_parts_fj"]
    assert ands < bare["cells"] < 2 * ands
    assert bare["loads"] == pytest.approx(before["cmos-bare"]["energy_parts_fj"]["loads"])
    assert after["cmos-bare"]["area_um2"] == before["cmos-bare"]["area_um2"]
    assert after["sot"]["energy_fj"] == before["sot"]["energy_fj"]


def test_periphery_is_switched_on_and_off(found: dict[str, Any]) -> None:
    off = named(compared(options=CompareOptions(images=10, periphery=frozenset())))
    for name, neuron in off.items():
        if name != "cmos-column":  # whose memory is no periphery of a spin column
            assert neuron["energy_with_periphery_fj"] == neuron["energy_fj"]
            assert neuron["area_with_periphery_um2"] == neuron["area_um2"]
    on = named(found)["sot"]["periphery_parts_fj"]
    # The supply gives 0.2 uA at 1.1 V for 10 ns, twice.
    assert on["converter"] == pytest.approx(2 * 2.2)


def test_a_tornado_has_the_widest_bar_first_and_its_middle_is_the_table(
    found: dict[str, Any],
) -> None:
    neurons = named(found)
    for panel in found["tornado"]:
        key = "energy_with_periphery_fj" if panel["periphery"] else "energy_fj"
        ratio = neurons["sot"][key] / neurons[panel["against"]][key]
        assert panel["ratio"] == pytest.approx(ratio)
        spans = [
            max(bar["ratio_low"], bar["ratio_high"]) / min(bar["ratio_low"], bar["ratio_high"])
            for bar in panel["bars"]
        ]
        assert spans == sorted(spans, reverse=True)
        for bar in panel["bars"]:
            assert bar["low"] <= bar["value"] <= bar["high"]
            ends = sorted([bar["ratio_low"], bar["ratio_high"]])
            assert ends[0] * (1 - 1e-9) <= panel["ratio"] <= ends[1] * (1 + 1e-9)


def test_break_even_is_where_the_energies_meet(found: dict[str, Any]) -> None:
    neurons = named(found)
    for row in found["break_even"]:
        against = neurons[row["against"]]
        assert neurons["sot"]["energy_fj"] + row["bare_fj"] == pytest.approx(against["energy_fj"])
        assert neurons["sot"]["energy_fj"] + row["with_periphery_fj"] == pytest.approx(
            against["energy_with_periphery_fj"]
        )
        assert row["advantage_bare"] == (row["spin_periphery_fj"] < row["bare_fj"])


def test_the_dense_baseline_is_operations_times_published_figures(found: dict[str, Any]) -> None:
    base = found["baseline"]
    assert base["operations"] == 784 * 100 + 100 * 10
    # 0.2 pJ a multiply, 0.1 pJ a 32-bit add, an eighth of 10 pJ for the weight.
    assert base["energy_pj"] == pytest.approx(79_400 * (0.2 + 0.1 + 1.25))
    assert base["cycles_per_image"] == 784
    assert base["units"] == 110
    rows = found["rows_per_image"]
    assert base["operations_skipping_zeros"] == pytest.approx(rows[0] * 100 + rows[1] * 10)


def test_programming_is_counted(found: dict[str, Any]) -> None:
    by_scheme = {row["scheme"]: row for row in found["programming"]}
    open_loop = by_scheme["open-loop"]
    assert open_loop["cells"] == open_loop["saturations"] == 79_400
    assert open_loop["reads"] == 0
    assert by_scheme["write-verify"]["reads"] > 79_400
    # Every saturation is 11 mA through 312.5 ohm for 1 ms.
    assert open_loop["energy_j"] > 79_400 * 0.011**2 * 312.5 * 1e-3


def test_what_cannot_be_compared_is_one_line() -> None:
    with pytest.raises(UserError, match=r"cmos-relu needs 1\.\d+ ns in these cells.*`frequency`"):
        compared(options=CompareOptions(frequency=1e9, images=10))
    with pytest.raises(UserError, match="give 2 or more"):
        compared(images=IMAGES[:1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequency": 0.0}, "^frequency must be from 1 to 10000 MHz, not 0$"),
        ({"frequency": float("nan")}, "^frequency must be from 1 to 10000 MHz, not nan$"),
        ({"frequency": 1.1e10}, "^frequency must be from 1 to 10000 MHz, not 11000$"),
        (
            {"periphery": frozenset({"fan", "adc"})},
            "^periphery takes none or amplifier, .*not fan$",
        ),
    ],
)
def test_options_are_checked_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        CompareOptions(**options)
