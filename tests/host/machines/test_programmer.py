"""Chips on the virtual board: made by its gateware where it can, and the golden model's always."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from allspin.hdl.link.protocol import Feature, LinkParameters, Request, identity_bytes
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE, REDRAW
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.host.data.catalogue import open_device
from allspin.host.link.identity import Identity
from allspin.host.link.memories import (
    Memory,
)
from allspin.host.machines.chip_memories import ChipMemories
from allspin.host.machines.kept_program import KeptProgram
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import VIRTUAL, open_machine, open_virtual
from allspin.host.machines.programmer import (
    CHIPS,
    SUM_CHIPS,
    check_use_noise,
    chip_profile,
    why_no_words,
    why_words_are_sent,
)
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.chip.words import WORD_BITS
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device as ChipDevice
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError
from allspin.sim.network import reference
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.programming.measured_cells import MeasuredCells
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse
from tests.host.machines.work import GENERAL, WIDEST

NETWORK = random_network((30, 12, 5), 4)
MANY_STATES = random_network((30, 12, 5), 5, states=100)
IMAGES = random_images(NETWORK, 60, 6)
PAPER = open_device("paper")
RETENTION = Retention((1.0, 0.85, 1.1), within=0.05, between=0.03)
AT_ENDS = "the Programmer has stuck cells at the ends of R_AH only"


def test_classes_that_a_chip_could_have_by_chance_need_a_machine_that_knows_how_many_there_are():
    engine = EngineParameters.from_network(NETWORK, HardwareProfile(variation=CHIPS))
    board = KeptProgram("the board", Identity.parse(identity_bytes(LinkParameters(engine))))
    board.load_chip(program(NETWORK, PAPER, 1))
    with pytest.raises(UserError, match="of this network's 3 could win: take a general machine"):
        board.load_chip(program(random_network((30, 12, 3), 4), PAPER, 1))


def fitted(occasion: str = "write", cycle: float = 0.05) -> ChipDevice:
    """A device of tables alone, as `allspin fit` makes them."""
    shape = np.linspace(0.6, 1.4, 101)
    potentiation, depression = (
        TableResponse(
            PAPER.synapse.curve(polarity, np.arange(101)), cycle * shape, 0.15 * shape[::-1]
        )
        for polarity in Polarity
    )
    synapse = TableSynapse(potentiation, depression, 100, occasion)
    return dataclasses.replace(PAPER, name="fitted", synapse=synapse)


def differing() -> ChipDevice:
    """Devices that differ in A, which is no straight function of their deviates."""
    assert isinstance(PAPER.synapse, SotSynapse)
    d2d = dataclasses.replace(PAPER.synapse.d2d, reading="nonlinearity")
    return dataclasses.replace(PAPER, synapse=dataclasses.replace(PAPER.synapse, d2d=d2d))


def without_noise(device: ChipDevice) -> ChipDevice:
    variation = dataclasses.replace(device.neuron_variation, use=0.0)
    return dataclasses.replace(device, neuron_variation=variation)


def imperfect(**changes: object) -> ChipDevice:
    imperfections = dataclasses.replace(PAPER.imperfections, **changes)
    return dataclasses.replace(PAPER, imperfections=imperfections)


def loaded() -> ChipDevice:
    """A device whose amplifiers take a part of each Hall voltage."""
    array = HallArray(
        "buffered", hall_resistance=1.0, longitudinal=300.0, arms=300.0, input_impedance=900.0
    )
    return dataclasses.replace(PAPER, array=array)


@pytest.fixture(scope="module")
def board() -> Iterator[LinkedMachine]:
    with opened(CHIPS) as device:
        yield device


def opened(variation: VariationParameters, rows_per_clock: int = 1) -> LinkedMachine:
    profile = HardwareProfile(rows_per_clock=rows_per_clock, variation=variation)
    device = open_machine(VIRTUAL, NETWORK, profile)
    assert isinstance(device, LinkedMachine)
    return device


def check_chip(device: LinkedMachine, chip: ProgrammedChip) -> None:
    """Compare each word, and logits."""
    for number, layer in enumerate(chip.network.layers):
        np.testing.assert_array_equal(device.read_words(number), layer.words)
    check_logits(device, chip.golden())


def check_logits(device: LinkedMachine, model: GoldenModel) -> None:
    """Check logits of images from number 0, and of a run from 65,530, which has other noise."""
    np.testing.assert_array_equal(
        device.stream(IMAGES).logits,
        reference.logits(model.network, IMAGES, model.words, model.noise),
    )
    later = device.stream(IMAGES[:20], first=65_530)
    np.testing.assert_array_equal(
        later.logits, reference.logits(model.network, IMAGES[:20], model.words, model.noise, 65_530)
    )


@pytest.mark.parametrize("network", [NETWORK, MANY_STATES], ids=["10 states", "100 states"])
@pytest.mark.parametrize(
    ("made_of", "programming", "reason"),
    [
        (PAPER, Programming(), None),
        (PAPER, Programming("pulse-width", "halves"), None),
        (fitted(), Programming(), None),
        (fitted("pulse", 0.01), Programming(), None),
        (fitted("pulse", 0.01), Programming("pulse-width", "halves"), None),
        (differing(), Programming(), None),
        (without_noise(PAPER), Programming(), None),
        (imperfect(stuck=0.03, stuck_at="either"), Programming(), None),
        (imperfect(stuck=0.7, stuck_at="high"), Programming(), None),
        (imperfect(converter_gain=0.02, stuck=0.1, stuck_at="low"), Programming(), None),
        (PAPER, Programming("write-verify", tries=3), "write-verify reads analogue values"),
        (imperfect(hall_offset=0.1), Programming(), "the Programmer has no Hall offset"),
        (imperfect(reference=0.1), Programming(), "the Programmer has no reference column"),
        (
            imperfect(reference_column="written"),
            Programming("incremental", tries=2),
            "incremental reads analogue values",
        ),
        (
            imperfect(reference_column="written"),
            Programming(),
            "the Programmer has no reference column",
        ),
        (imperfect(drift=0.01, age=1e6), Programming(), "the Programmer has no drift"),
        (imperfect(retention=RETENTION, age=1e6), Programming(), "the Programmer has no retention"),
        (imperfect(retention=RETENTION), Programming(), None),
        (imperfect(stuck=1.0), Programming(), "all cells are stuck"),
        (imperfect(stuck=0.3, stuck_at="between"), Programming(), AT_ENDS),
        (imperfect(stuck=0.3, stuck_at="open"), Programming(), AT_ENDS),
        (loaded(), Programming(), "the array changes what they are worth"),
    ],
)
def test_three_chips_are_the_golden_models(board, network, made_of, programming, reason):
    sent = f"words sent by the host: {reason}" if reason else "words made by the gateware"
    seen = []
    # The second is drawn in place, with calibrated neurons.
    for seed in (7, 8, 2**32 - 1):
        chip = program(network, made_of, seed, programming, calibrated=seed == 8)
        board.load(chip)
        assert board.words_from == sent
        check_chip(board, chip)
        seen.append(np.concatenate([layer.words.ravel() for layer in chip.network.layers]))
    ideal = np.concatenate([layer.words.ravel() for layer in network.layers])
    assert all(np.mean(words != ideal) > 0.2 for words in seen)
    if made_of.imperfections.stuck != 1:
        assert np.mean(seen[0] != seen[1]) > 0.2


def test_films_beyond_the_levels_are_made_by_the_host(board):
    """Most films of the lowest states are saturated, and the rest are far from it."""
    way = np.linspace(0.99, -0.99, 60)
    up, down = (TableResponse(one, np.full(60, 0.1), np.zeros(60)) for one in (-way, way))
    made_of = dataclasses.replace(PAPER, synapse=TableSynapse(up, down, bounded=True))
    chip = program(NETWORK, made_of, 2, Programming("open-loop", "depression"))
    board.load(chip)
    assert "levels or deviations of saturated films are beyond" in board.words_from
    check_chip(board, chip)


def test_an_array_that_no_words_say_is_refused(board):
    array = HallArray("series", hall_resistance=1.0, longitudinal=300.0, arms=300.0)
    chip = program(NETWORK, dataclasses.replace(PAPER, array=array), 1)
    with pytest.raises(UserError, match=r"no gateware can run this network: layer 0: the array"):
        board.load(chip)


def test_cells_as_they_were_read_are_sent_and_the_neurons_are_the_chips(board):
    """Cells may have any words; neurons without variation, on the same board, are the mean one."""
    rng = np.random.default_rng(8)
    held = [rng.integers(-127, 128, layer.states.shape) << WORD_BITS for layer in NETWORK.layers]
    cells = MeasuredCells("a test", held, 0, 0, referenced=True)
    quiet = dataclasses.replace(PAPER, neuron_variation=NeuronVariation())
    for made_of in (PAPER, quiet):
        chip = program(NETWORK, made_of, 3, cells)
        board.load(chip)
        assert board.words_from == "words sent by the host: the cells are as they were read"
        check_chip(board, chip)
    assert chip.noise is None


def test_a_machine_without_a_programmer_leaves_all_to_the_host(board, monkeypatch):
    features = board.identity.features & ~Feature.PROGRAMMER
    identity = dataclasses.replace(board.identity, features=features)
    reason = why_words_are_sent(program(NETWORK, PAPER, 1), identity)
    assert reason == "the gateware has no Programmer"


@pytest.mark.long
def test_a_small_programmer_leaves_many_states_to_the_host():
    with opened(VariationParameters(16, 1)) as device:
        for network in (NETWORK, MANY_STATES, NETWORK):
            chip = program(network, PAPER, 21)
            device.load(chip)
            few = network is NETWORK
            assert few == (device.words_from == "words made by the gateware")
            assert few or "16 states at most, not 100" in device.words_from
            check_chip(device, chip)


@pytest.mark.parametrize(
    "device",
    [imperfect(read_noise=0.1), imperfect(amplifier_offset=0.1), imperfect(amplifier_gain=0.1)],
)
def test_noise_on_sums_is_refused_where_there_is_none(board, device):
    before = board.read_words(0)
    with pytest.raises(UserError, match="was built without read noise, offset and gain error of"):
        board.load(program(NETWORK, device, 1))
    np.testing.assert_array_equal(board.read_words(0), before)


ALL_OF_SUMS = {"read_noise": 0.4, "amplifier_gain": 0.03, "amplifier_offset": 0.6}


@pytest.mark.parametrize(
    "rows_per_clock", [None, *(pytest.param(rows, marks=pytest.mark.long) for rows in (1, 2, 4))]
)
def test_noise_on_sums_is_the_golden_models(rows_per_clock):
    """The machine is one for any network, which other tests build too, or the network's own."""
    logits = []
    if rows_per_clock is None:
        machine = open_virtual(random_network(WIDEST, 0), GENERAL)
    else:
        machine = opened(SUM_CHIPS, rows_per_clock)
    with machine as device:
        for wrong in (
            ALL_OF_SUMS,
            {"read_noise": 1.5},
            {"amplifier_offset": 3.0, "hall_offset": 0.1},
            {"amplifier_gain": 0.1},
            {},
        ):
            made_of = imperfect(**wrong)
            chip = program(NETWORK, made_of, 9)
            profile = chip_profile(chip, None)
            assert profile.variation == (SUM_CHIPS if wrong else CHIPS)
            device.load(chip)
            model = chip.golden()
            check_chip(device, chip)
            logits.append(reference.logits(model.network, IMAGES, model.words, model.noise))
        # Programming a network leaves no trace of the chip before.
        device.load(NETWORK)
        check_logits(device, GoldenModel(NETWORK))
    assert all(np.any(one != logits[-1]) for one in logits[:-1])


def test_more_noise_on_sums_than_there_is_room_for_is_refused(board):
    features = board.identity.features | Feature.SUM_NOISE
    identity = dataclasses.replace(board.identity, features=features)

    def check(**wrong):
        check_use_noise("the board", identity, ColumnNoise(Chip(imperfect(**wrong), 1), NETWORK))

    check(read_noise=15.0, amplifier_offset=15.0, amplifier_gain=0.15)
    for wrong, line in (
        ({"read_noise": 20.0}, "more read noise in layer 0 than gateware has room"),
        ({"amplifier_offset": 90.0}, "more offset of an amplifier in layer . than gateware"),
        ({"amplifier_gain": 1.0}, "more error of an amplifier's gain, .* of at most 81"),
    ):
        with pytest.raises(UserError, match=line):
            check(**wrong)


def test_noise_that_the_device_has_not_is_refused(board):
    noise = ColumnNoise(Chip(PAPER, 1), NETWORK)
    check_use_noise("the board", board.identity, noise)
    plain = dataclasses.replace(board.identity, features=Feature.NONE)
    with pytest.raises(UserError, match="the gateware of the board was built without noise at"):
        check_use_noise("the board", plain, noise)
    check_use_noise("the board", plain, None)
    slow = dataclasses.replace(board.identity, current_bits=-1)
    for noise.use_spread in (2**7, 229):
        line = f"more C2C of neurons than gateware has room for, {noise.use_spread} of at most 127"
        with pytest.raises(UserError, match=line):
            check_use_noise("the board", slow, noise)
    noise.use_spread = 2**7 - 1
    check_use_noise("the board", slow, noise)


@pytest.mark.parametrize(
    "made_of",
    [
        dataclasses.replace(PAPER, adc=AdcVariation(gain=0.01)),
        imperfect(amplifier_gain=0.01),
    ],
)
def test_gains_before_tiles_converters_are_in_words_of_the_host(made_of):
    assert why_no_words(Programming(), made_of) is None
    reason = why_no_words(Programming(), made_of, tiled=True)
    assert reason == "the Programmer has no gain of a tile's amplifiers and converters"


ORDER = (Request.WRITE, bytes([ENGINE << 4 | REDRAW, 1]))


class Sent(ChipMemories):
    """Machine that knows chips by their memories alone."""

    def load_chip(self, chip: Any, progress: Any = None) -> None:
        pass

    def _check_chip(self, chip: Any) -> None:
        pass

    def _chip_memories(self, chip: Any) -> list[Memory]:
        return [
            (space, np.frombuffer(content, np.uint8)[np.newaxis]) for space, content in chip.items()
        ]

    def writes(self, memories: Iterable[Memory]) -> Iterator[bytes]:
        return iter([bytes([space]) + lines.tobytes() for space, lines in memories])


@pytest.mark.parametrize(
    ("chips", "sent"),
    [
        # Contents that all chips share are sent once.
        (
            [{1: b"aa", 2: b"bb", 3: b"cc"}, {1: b"aa", 2: b"bd", 3: b"cc"}],
            [[(Request.WRITE, b"\2bb"), ORDER], [(Request.WRITE, b"\2bd"), ORDER]],
        ),
        # One may have no use for a memory, as for a layer's amplifiers without an offset.
        (
            [{1: b"aa", 2: b"bb"}, {1: b"aa"}, {1: b"aa", 2: b"bb"}],
            [[(Request.WRITE, b"\2bb"), ORDER], [ORDER], [(Request.WRITE, b"\2bb"), ORDER]],
        ),
    ],
)
def test_differences_between_chips_are_sent_for_each(chips, sent):
    assert [*Sent()._redraws(chips)] == sent
