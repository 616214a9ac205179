import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st

from allspin.sim.network.golden import activate
from allspin.sim.network.neuron import (
    NEURONS,
    CmosBareNeuron,
    CmosReluNeuron,
    CmosSigmoidNeuron,
    ReluNeuron,
    SotNeuron,
    neuron_from_dict,
    neuron_to_dict,
    register_neuron,
)
from allspin.sim.network.neuron_base import Neuron
from allspin.sim.network.random_network import random_network

sot_neurons = st.builds(
    SotNeuron,
    threshold=st.floats(0, 0.9),
    slope=st.floats(0.1, 20),
    softness=st.floats(0.001, 1),
    saturation=st.floats(0.1, 1),
)


@dataclass(frozen=True)
class Root(Neuron):
    """Neuron of a response alone: half its height is at a current of 1/8, with a slope of 2/3."""

    name: ClassVar[str] = "root"

    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return 0.5 * np.cbrt(np.clip(np.asarray(current, np.float64), 0, 1))


def test_all_else_follows_from_a_response() -> None:
    line = Root().line
    assert line.middle == pytest.approx(1 / 8, abs=1e-3)
    assert line.slope == pytest.approx(2 / 3, rel=1e-2)
    assert Root().knees is None
    table = Root().table(8, 4)
    assert [table[place] for place in (0, 32, 255)] == [0, 4, 8]
    currents = np.array([32, 0, 255])
    assert Root().activations(currents, None, 8, 4).tolist() == [4, 0, 8]
    assert Root().activations(currents, table[::-1], 8, 4).tolist() == [table[223], 8, 0]


def test_a_line_needs_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Root, "response", lambda _, current: np.zeros_like(current))
    with pytest.raises(ValueError, match="root"):
        _ = Root().line


@pytest.mark.parametrize(
    "kind", [SotNeuron(0.2, 2.0, 0.001), CmosSigmoidNeuron(), CmosReluNeuron()]
)
def test_a_kinds_own_line_is_that_of_its_response(kind: Neuron) -> None:
    general = Neuron.line.fget(kind)  # type: ignore[attr-defined]
    assert kind.line == pytest.approx(general, rel=5e-3)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Root", "small letters, digits and -, not 'Root'"),
        ("cmos-relu2", "first 8 letters and digits of their names, which cmos-relu2 and cmos-relu"),
        ("sot", "which sot and sot do not"),
    ],
)
def test_a_name_must_be_one_that_a_board_tells_apart(
    name: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Root, "name", name)
    with pytest.raises(ValueError, match=why):
        register_neuron(Root)


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (lambda c: 1 - c, "must not fall as the current rises"),
        (lambda c: 3 * c - 1, "must be from 0 to 1 at currents from 0 to 1, not from -1 to 2"),
        (lambda c: 1.01 * c, "must be from 0 to 1 at currents from 0 to 1, not from 0 to 1.01"),
        (lambda c: c * np.nan, "must be from 0 to 1 at currents from 0 to 1, not from nan to nan"),
    ],
)
def test_a_response_that_no_table_can_hold_is_refused(
    response: Callable[[np.ndarray], np.ndarray], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Root, "response", lambda _, current: response(np.asarray(current)))
    with pytest.raises(ValueError, match=f"^the root neuron's response {why}$"):
        register_neuron(Root)
    assert "root" not in NEURONS


def logistic(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))


@given(sot_neurons, st.floats(0, 3))
def test_response_is_the_integral_of_two_logistic_steps(neuron: SotNeuron, current: float) -> None:
    # Switching sets in with one logistic step of the slope and ends with another.
    end = neuron.threshold + neuron.saturation / neuron.slope
    # Gauss-Legendre on pieces no longer than two softnesses, where the integrand is smooth.
    nodes, weights = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(0, current, 2 + int(current / neuron.softness / 2))
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    x = middle[:, None] + half[:, None] * nodes
    slope = neuron.slope * (
        logistic((x - neuron.threshold) / neuron.softness) - logistic((x - end) / neuron.softness)
    )
    assert float(neuron.response(current)) == pytest.approx(
        float((slope * weights * half[:, None]).sum()), abs=1e-6
    )


@given(sot_neurons)
def test_response_starts_at_0_rises_and_stays_below_saturation(neuron: SotNeuron) -> None:
    response = neuron.response(np.linspace(-0.5, 3, 200))
    assert np.all(response[:28] == 0)
    assert np.all(np.diff(response) >= -1e-12)
    assert response[-1] <= neuron.saturation + 1e-12


def test_a_plateau_half_way_between_two_activations_stays_flat() -> None:
    # 0.5 * 3 is a tie; the plateau's last bits once made the end of the table 2, 2, 1.
    neuron = SotNeuron(0.2911469788173027, 1.0, 0.001, 0.5)
    assert neuron.table(4, 2).tolist() == [0] * 7 + [1] * 6 + [2] * 3


@given(sot_neurons, st.integers(4, 12), st.integers(1, 8))
def test_table_is_the_response_rounded(
    neuron: SotNeuron, current_bits: int, hidden_bits: int
) -> None:
    table = neuron.table(current_bits, hidden_bits)
    assert table.dtype == np.uint8
    assert len(table) == 2**current_bits
    top = 2**hidden_bits - 1
    response = neuron.response(np.linspace(0, 1, len(table)))
    # Within half a step of the curve (a whisker more, for rounding in the curve itself).
    assert np.abs(table - response * top).max() <= 0.5 + 1e-9
    assert np.all(np.diff(table.astype(int)) >= 0)


@pytest.mark.parametrize(
    ("kind", "name", "low", "high"),
    [
        (SotNeuron, "threshold", 0.0, 0.9),
        (SotNeuron, "slope", 0.1, 20.0),
        (SotNeuron, "softness", 0.001, 1.0),
        (SotNeuron, "saturation", 0.1, 1.0),
        (CmosSigmoidNeuron, "steepness", 4.0, 40.0),
    ],
)
def test_parameters_outside_their_ranges(
    kind: type[Neuron], name: str, low: float, high: float
) -> None:
    legal = [kind(**{name: value}) for value in (low, high)]
    assert [getattr(each, name) for each in legal] == [low, high]
    said = f"{name} must be a number from {low:g} to {high:g}, not "
    for value in (low - 1e-6, high + 1e-6, math.nan, math.inf, -math.inf, 10**400, True, "1"):
        with pytest.raises(ValueError, match=said):
            kind(**{name: value})


@given(st.one_of(sot_neurons, st.just(ReluNeuron())))
def test_dictionary_and_back(neuron: SotNeuron | ReluNeuron) -> None:
    assert neuron_from_dict(neuron_to_dict(neuron)) == neuron
    assert set(neuron_to_dict(neuron)) == {"name", *(f.name for f in dataclasses.fields(neuron))}
    assert repr(SotNeuron(slope=1)) == repr(SotNeuron(slope=1.0))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ([], r"must be an object with a name, not \[\]"),
        ({}, "one of cmos-bare, cmos-relu, cmos-sigmoid, relu, sot, stochastic, not None"),
        (
            {"name": "tanh"},
            "one of cmos-bare, cmos-relu, cmos-sigmoid, relu, sot, stochastic, not 'tanh'",
        ),
        (
            {"name": ["sot"]},
            r"one of cmos-bare, cmos-relu, cmos-sigmoid, relu, sot, stochastic, not \['sot'\]",
        ),
        ({"name": "relu", "slope": 1}, "relu has no parameter 'slope'"),
        ({"name": "sot", "knee": 1}, "sot has no parameter 'knee'"),
        ({"name": "sot", "slope": None}, "slope must be a number from 0.1 to 20, not None"),
    ],
)
def test_bad_dictionaries(record: object, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        neuron_from_dict(record)


@pytest.mark.parametrize("kind", [ReluNeuron, CmosBareNeuron, CmosReluNeuron])
@pytest.mark.parametrize(("current_bits", "hidden_bits"), [(8, 4), (4, 4), (12, 8), (7, 1)])
def test_logic_keeps_within_a_step_of_its_response(
    kind: type[ReluNeuron], current_bits: int, hidden_bits: int
) -> None:
    size, top = 2**current_bits, 2**hidden_bits - 1
    table = kind().table(current_bits, hidden_bits)
    response = kind().response(np.arange(size) / size)
    assert np.abs(table - response * 2**hidden_bits).max() <= 1
    assert table.max() >= top - 1  # the bare gate has no lowest bit at equal widths


@pytest.mark.parametrize("name", sorted(NEURONS))
@pytest.mark.parametrize(("current_bits", "hidden_bits"), [(8, 4), (4, 4), (10, 8), (5, 1)])
def test_golden_model_is_the_table_at_every_current(
    name: str, current_bits: int, hidden_bits: int
) -> None:
    neuron = NEURONS[name]()
    table = neuron.table(current_bits, hidden_bits)
    network = random_network(
        (3, 2, 2), 0, neuron=neuron, current_bits=current_bits, hidden_bits=hidden_bits
    )
    activations = activate(network, network.layers[0], np.arange(2**current_bits))
    assert activations.tolist() == table.tolist()


def test_a_sigmoid_is_symmetric_about_its_middle() -> None:
    table = CmosSigmoidNeuron().table(8, 4).astype(int)
    assert table[[0, 127, 128, 255]].tolist() == [0, 7, 8, 15]
    assert (table + table[::-1] == 15).all()
