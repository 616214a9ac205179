"""The comparison: figures are counted, and follow the figures that they are computed from."""

import json
import re
from typing import Any

import numpy as np
import pytest

from allspin.host.compare.comparison import compare
from allspin.host.compare.subject import CompareOptions, ComparisonSubject
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.cost.liberty import Library, load_library, parse_library
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS

NETWORK = open_network("mnist-10")
LIBRARY = load_library()
ALL = load_test_set()
IMAGES, LABELS = ALL[0][:40], ALL[1][:40]


def compared(library: Library = LIBRARY, options: CompareOptions | None = None) -> dict[str, Any]:
    subject = ComparisonSubject("mnist-10", NETWORK, open_device("paper"), library, IMAGES, LABELS)
    return compare(subject, options).to_dict()


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
    assert json.loads(json.dumps(found)) == found
    assert {*NEURONS, "cmos-column"} <= set(named(found))
    assert len(named(found)) == len(found["neurons"])
    for neuron in found["neurons"]:
        assert neuron["area_um2"] > 0
        assert 0.9 < neuron["accuracy"] <= 1
        assert 0 < neuron["energy_fj"] <= neuron["energy_with_periphery_fj"]
        assert neuron["energy_fj"] == pytest.approx(sum(neuron["energy_parts_fj"].values()))
        assert set(neuron["provenance"]) >= {"accuracy", "area", "energy", "periphery"}
        whole = neuron["network"]
        inside = sum(whole["parts_fj"].get(part, 0) for part in ("synapses", "neurons"))
        assert whole["energy_pj"] == pytest.approx(inside / 1000)


def test_the_bare_gate_has_the_paper_s_price(found: dict[str, Any]) -> None:
    assert named(found)["cmos-bare"]["area_um2"] == pytest.approx(4.788)
    # By hand: 1.146 fJ of leakage and 24.7 fJ times the activity; 2.622 fJ falls at 0.06.
    expected = {
        "gate_leakage_fj": pytest.approx(1.146, abs=1e-3),
        "activity_for_paper_fj": pytest.approx(0.06, abs=0.002),
        "stated_fj": pytest.approx(0.0004),
        "sheet_current_fj": pytest.approx([1.78, 3.36], abs=0.01),
        "uses_per_second": pytest.approx(50e6),
        "current_for_claim_ua": pytest.approx(3.16, rel=1e-3),
        "time_for_claim_us": pytest.approx(2.5),
    }
    assert {key: found["paper_neuron"][key] for key in expected} == expected


def test_the_spin_neurons_heat_follows_the_currents(found: dict[str, Any]) -> None:
    currents = GoldenModel(NETWORK).trace(IMAGES)[0].currents
    assert currents is not None
    square = np.mean(currents.astype(float) ** 2) / np.mean(currents) ** 2
    heat = named(found)["sot"]["energy_parts_fj"]
    assert heat["set"] == pytest.approx(0.0004 * square)
    assert heat["reset"] == pytest.approx(0.0004)


def test_one_cells_energy_changes_the_table(found: dict[str, Any]) -> None:
    changed = named(compared(with_energy(LIBRARY, "AND2_X1", "5.10")))
    # Twice the internal energy of all switching of the four AND2 changes only that.
    before, after = (each["cmos-bare"]["energy_parts_fj"] for each in (named(found), changed))
    assert before["cells"] < after["cells"] < 2 * before["cells"]
    assert after["loads"] == pytest.approx(before["loads"])
    assert changed["sot"]["energy_fj"] == named(found)["sot"]["energy_fj"]


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
        ends = [sorted([bar["ratio_low"], bar["ratio_high"]]) for bar in panel["bars"]]
        spans = [high / low for low, high in ends]
        assert spans == sorted(spans, reverse=True)
        assert all(low * (1 - 1e-9) <= ratio <= high * (1 + 1e-9) for low, high in ends)
        assert all(bar["low"] <= bar["value"] <= bar["high"] for bar in panel["bars"])


def test_break_even_is_where_the_energies_meet(found: dict[str, Any]) -> None:
    neurons = named(found)
    spin = neurons["sot"]["energy_fj"]
    for row in found["break_even"]:
        against = neurons[row["against"]]
        assert spin + row["bare_fj"] == pytest.approx(against["energy_fj"])
        whole = against["energy_with_periphery_fj"]
        assert spin + row["with_periphery_fj"] == pytest.approx(whole)
        assert row["advantage_bare"] == (row["spin_periphery_fj"] < row["bare_fj"])


def test_the_dense_baseline_is_operations_times_published_figures(found: dict[str, Any]) -> None:
    rows = found["rows_per_image"]
    expected = {
        "operations": 784 * 100 + 100 * 10,
        # 0.2 pJ a multiply, 0.1 pJ a 32-bit add, an eighth of 10 pJ for the weight.
        "energy_pj": pytest.approx(79_400 * (0.2 + 0.1 + 1.25)),
        "cycles_per_image": 784,
        "units": 110,
        "operations_skipping_zeros": pytest.approx(rows[0] * 100 + rows[1] * 10),
    }
    assert {key: found["baseline"][key] for key in expected} == expected


def test_programming_is_counted(found: dict[str, Any]) -> None:
    by_scheme = {row["scheme"]: row for row in found["programming"]}
    open_loop = by_scheme["open-loop"]
    assert open_loop["cells"] == open_loop["saturations"] == 79_400
    assert open_loop["reads"] == 0
    assert by_scheme["write-verify"]["reads"] > 79_400
    # Every saturation is 11 mA through 312.5 ohm for 1 ms.
    assert open_loop["energy_j"] > 79_400 * 0.011**2 * 312.5 * 1e-3


def test_an_impossible_comparison_is_one_line() -> None:
    with pytest.raises(UserError, match=r"cmos-relu needs 1\.\d+ ns in these cells.*`frequency`"):
        compared(options=CompareOptions(frequency=1e9, images=10))
    one = ComparisonSubject(
        "mnist-10", NETWORK, open_device("paper"), LIBRARY, IMAGES[:1], LABELS[:1]
    )
    with pytest.raises(UserError, match="give 2 or more"):
        compare(one)


@pytest.mark.parametrize("megahertz", [0, float("nan"), 11_000])
def test_options_are_checked_at_once(megahertz: float) -> None:
    with pytest.raises(
        ValueError, match=f"^frequency must be from 1 to 10000.*not {megahertz:g} MHz "
    ):
        CompareOptions(frequency=1e6 * megahertz)
    with pytest.raises(ValueError, match=r"^`periphery` takes none or amplifier, .*not fan$"):
        CompareOptions(periphery=frozenset({"fan", "adc"}))
