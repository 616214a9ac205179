"""Many chips, each shown the same resident images: batches outside, chips inside.

A batch of images goes over the link once for all chips. What a chip differs by from the one before
follows it, a redraw and a run: a group of requests, of which several are under way.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature, Request
from allspin.hdl.parameters.memory_map import CHIP, ENGINE, REDRAW, STATES, WRITE_TABLE
from allspin.hdl.parameters.profile import VariationParameters
from allspin.host.link.groups import Group
from allspin.host.link.identity import Identity
from allspin.host.link.payloads import (
    Memories,
    Memory,
    crossbar_memories,
    other_memories,
)
from allspin.host.link.session import NO_PROGRESS, Progress
from allspin.host.machines.resident import SLOWEST, ResidentCounts, ResidentImages
from allspin.sim.array.in_array import chip_in_array
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.chip.words import WriteTable
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network.formats import full_scale
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming
from allspin.sim.programming.trains import Plan, plan_layers

# Chips of a network on a machine whose gateware makes them.
#
# The host sends the states once and then, for each chip, its seed: the machine's Programmer
# makes the R_AH words. What a Programmer cannot make (`ChipMaker.reason`), the host computes
# and sends as words.

CHIP_LINE = struct.Struct("<IHHI")
STUCK_ENDS = ("low", "high", "either")
"""Where a Programmer's stuck cells are."""
STUCK_HIGH = 1
STUCK_EITHER = 2
TOP_SHIFT = 8
POLARITY_SHIFT = 7
USE_SPREAD_BITS = 8
"""Bits that a spread of noise at a use may have more than a neuron's current."""


REDRAW_LINE = np.ones((1, 1), np.uint8)
"""What orders a redraw."""
CHIPS = VariationParameters(redraw=True)
"""The gateware that makes chips, for a part with room for all of it: one for any network."""
SUM_CHIPS = replace(CHIPS, sum_noise=True)
"""The same, of chips whose column sums have noise, or whose amplifiers have errors."""
SUM_SPREAD_BITS = 10
"""Bits that a spread of noise on sums may have more than a row's value and an R_AH word."""
START_BITS = 16
"""Bits that an amplifier's offset may have more than that, as it is sent."""
MAX_SHARE = 2**13 - 1
"""Largest share of its gain by which an amplifier may be wrong: less than all of it."""


def check_tiles(noise: ColumnNoise | None) -> None:
    """See that a chip's noise at each use is of a kind that gateware has.

    Raises
    ------
    UserError
        If it is on tiles' sums.
    """
    if noise is not None and noise.on_tiles:
        raise UserError(
            "gateware has no noise of tiles' converters, and no read noise and no amplifiers of "
            "tiles: run this chip on golden, or one of a device without them"
        )


def check_use_noise(name: str, identity: Identity, noise: ColumnNoise | None) -> None:
    """See that a machine has a chip's noise at each use.

    Parameters
    ----------
    name : str
        What the message calls the machine.
    identity : Identity
        What the machine says of itself.
    noise : ColumnNoise or None
        The chip's noise.

    Raises
    ------
    UserError
        If it has not.
    """
    check_tiles(noise)
    if noise is None:
        return
    if not noise.on_neurons_only:
        _check_sum_noise(name, identity, noise)
    if len(identity.layers) < 2:
        return
    if Feature.USE_NOISE not in identity.features:
        raise UserError(
            f"the gateware of {name} was built without noise at each use: run this chip on "
            "golden or virtual, or one of a device whose neurons have no C2C"
        )
    bits = identity.current_bits + USE_SPREAD_BITS
    if noise.use_spread >= 2**bits:
        raise UserError(
            f"the C2C of this device's neurons is more than gateware has room for, "
            f"{noise.use_spread} of at most {2**bits - 1}: run this chip on golden"
        )


def _check_sum_noise(name: str, identity: Identity, noise: ColumnNoise) -> None:
    """See that a machine has noise of sums and errors of amplifiers, and room for this chip's."""
    if Feature.SUM_NOISE not in identity.features:
        raise UserError(
            f"the gateware of {name} was built without read noise, offset and gain error of "
            "amplifiers: run this chip on golden or virtual, or one of a device without them"
        )
    for number in range(len(identity.layers)):
        value_bits = identity.hidden_bits if number else identity.pixel_bits
        top = 2 ** (value_bits + identity.rah_bits + SUM_SPREAD_BITS) - 1
        if (spread := noise.read_spread(number)) > top:
            raise UserError(
                f"this device has more read noise than gateware has room for, {spread} of at most "
                f"{top} in layer {number}: run this chip on golden"
            )
        offsets = np.abs(noise.offsets(number))
        if (largest := int(offsets.max())) >= top << START_BITS:
            raise UserError(
                f"an amplifier's offset is more than gateware has room for, {largest} of at most "
                f"{(top << START_BITS) - 1} in layer {number}: run this chip on golden"
            )
    if (share := int(np.abs(noise.shares).max())) > MAX_SHARE:
        raise UserError(
            f"an amplifier's gain is wrong by more than gateware has room for, {share} of at most "
            f"{MAX_SHARE} in units of 2^-13: run this chip on golden"
        )


def why_words(device: Device, programming: Programming | None, tiled: bool = False) -> str | None:
    """Why the host must compute a chip's words; None if a Programmer can make them.

    Parameters
    ----------
    device : Device
        What the chip is made of.
    programming : Programming or None
        How it is programmed; None where its words are given.
    tiled : bool
        Whether its network has tiles, in whose words the gains before their converters are.
    """
    wrong = device.imperfections
    if programming is None:
        return "the cells are as they were read"
    if programming.scheme == "write-verify":
        return "write-verify reads analogue values"
    if wrong.hall_offset:
        return "the Programmer has no Hall offset"
    if wrong.reference:
        return "the Programmer has no reference column"
    if tiled and (device.adc.gain or wrong.amplifier_gain):
        return "the Programmer has no gain of a tile's amplifiers and converters"
    if wrong.drifts or wrong.decays:
        return "the Programmer has no drift" if wrong.drifts else "the Programmer has no retention"
    if device.array.reading != "ideal":
        return "the array changes what they are worth"
    if round(wrong.stuck * 2**32) >= 2**32:
        return "all cells are stuck"
    if wrong.stuck and wrong.stuck_at not in STUCK_ENDS:
        return "the Programmer has stuck cells at the ends of R_AH only"
    return None


def chip_gateware(
    device: Device, programming: Programming | None, noise: ColumnNoise | None
) -> VariationParameters | None:
    """What a virtual board must have to be a chip.

    Parameters
    ----------
    device : Device
        What the chip is made of.
    programming : Programming or None
        How it is programmed; None where its words are given.
    noise : ColumnNoise or None
        What it adds at each use.

    Returns
    -------
    VariationParameters or None
        None where the host computes the words and nothing changes from use to use.

    Raises
    ------
    UserError
        If gateware has no such noise at each use.
    """
    check_tiles(noise)
    if noise is not None and not noise.on_neurons_only:
        return SUM_CHIPS
    if noise is None and why_words(device, programming) is not None:
        return None
    return CHIPS


def tile_offsets(device: Device) -> bool:
    """Whether the converters of a chip's tiles start at offsets of their own."""
    return bool(device.adc.offset or device.imperfections.amplifier_offset)


def _why_not_here(identity: Identity, plans: list[Plan]) -> str | None:
    """Why this machine's Programmer cannot make the words."""
    if Feature.PROGRAMMER not in identity.features:
        return "the gateware has no Programmer"
    if any(plan.table.beyond is not None for plan in plans):
        return "levels or deviations of saturated films are beyond the Programmer's"
    states = max(len(plan.table.levels) for plan in plans)
    if states > 2**identity.state_bits:
        return f"the Programmer has {2**identity.state_bits} states at most, not {states}"
    return None


def write_table_lines(table: WriteTable, state_bits: int) -> npt.NDArray[np.uint8]:
    """A write table as the protocol has it.

    Lines above the last state have what the last state has.

    Returns
    -------
    ndarray of uint8, shape (2 << state_bits, 8)
    """
    states = np.minimum(np.arange(2**state_bits), len(table.levels) - 1)
    lines = np.empty((2, 2**state_bits, 8), np.uint8)
    lines[:, :, 0:2] = table.levels[states].astype("<i2")[:, None].view(np.uint8)
    for place, spread in ((2, table.c2c), (5, table.d2d)):
        column = np.ascontiguousarray(spread[:, states].astype("<i4"))
        lines[:, :, place : place + 3] = column[..., None].view(np.uint8)[..., :3]
    return lines.reshape(-1, 8)


class ChipMaker:
    """Make chips of one network and one kind of device, one after another.

    Parameters
    ----------
    machine : Memories
        What they are made on; it must fit the network.
    network : Network
        States and levels.
    made_of : Device
        What the chips are made of.
    programming : Programming or None
        How they are programmed; None where each comes with its words.

    Attributes
    ----------
    reason : str or None
        Why the host computes the words; None where the gateware makes them.

    Raises
    ------
    UserError
        If the network does not fit, or the machine has no such noise at each use.
    ValueError
        If a layer's levels do not rise from first to last.
    """

    def __init__(
        self,
        machine: Memories,
        network: Network,
        made_of: Device,
        programming: Programming | None,
    ) -> None:
        machine.check(network)
        self._machine = machine
        self._network = network
        self._made_of = made_of
        self._programming = programming
        self._plans = (
            [] if programming is None else plan_layers(made_of.synapse, network, programming)
        )
        tiled = any(layer.adc is not None for layer in network.layers)
        self.reason = why_words(made_of, programming, tiled)
        if self.reason is None:
            self.reason = _why_not_here(machine.identity, self._plans)
        self._states_sent = False

    @property
    def where(self) -> str:
        """Where the words are made, in words."""
        if self.reason is None:
            return "words made by the gateware"
        return f"words sent by the host: {self.reason}"

    def make(
        self, chip: Chip, network: Network | None = None, progress: Progress = NO_PROGRESS
    ) -> None:
        """Turn the machine into a chip, and clear its counters.

        Parameters
        ----------
        chip : Chip
            Of this maker's kind of device.
        network : Network, optional
            With the chip's V-I converters and, where the host computes the words, these:
            `allspin.sim.programming.programming.chip_network`, or `Chip.varied` of a calibrated
            network. By default it is worked out here, which needs a way of programming.
        progress : callable
            Called with the number of frames answered.

        Raises
        ------
        UserError
            If the chip has noise at each use that the machine has not, its words do not fit, or
            the machine does not answer.
        """
        varied = self._varied(chip) if network is None else network
        memories = self.memories(chip, varied)
        features = self._machine.identity.features
        if self.reason is not None:
            memories += crossbar_memories(varied)
            self._machine.write_memories(memories, progress)
        else:
            redraw = self._states_sent and Feature.REDRAW in features
            if not redraw:
                memories += self._write_tables()
            # Words are made as states arrive, of the chip and the tables that are there.
            self._machine.write_memories(memories, progress)
            last = [(ENGINE << 4 | REDRAW, REDRAW_LINE)] if redraw else self._states()
            self._machine.write_memories(last, progress)
            self._states_sent = True
        self._machine.clear_counters()

    @property
    def redraws(self) -> bool:
        """Whether each chip but the first is made of states that are on the machine."""
        return self.reason is None and Feature.REDRAW in self._machine.identity.features

    def memories(self, chip: Chip, varied: Network) -> list[Memory]:
        """All that a chip has beside its words.

        Parameters
        ----------
        chip : Chip
            Of this maker's kind of device.
        varied : Network
            With the chip's V-I converters, as of `make`.

        Raises
        ------
        UserError
            If it has noise at each use that the machine has not, or does not fit.
        """
        self._machine.check(varied)
        noise = chip.noise(self._network)
        check_use_noise(self._machine.name, self._machine.identity, noise)
        memories = [*other_memories(varied, self._machine.identity, noise)]
        if Feature.PROGRAMMER in self._machine.identity.features:
            memories.append(self._chip_memory(chip))
        return memories

    def _varied(self, chip: Chip) -> Network:
        """The chip, with its words where the host computes them."""
        if self.reason is None:
            return chip.varied(self._network)
        if self._programming is None:
            raise ValueError("a chip that is not programmed here must come with its words")
        words = program_chip(chip, self._network, self._programming).words
        return chip_in_array(chip, self._network, words).network

    def _chip_memory(self, chip: Chip) -> Memory:
        wrong = self._made_of.imperfections
        flags = full_scale(self._network.rah_bits) << TOP_SHIFT
        flags |= STUCK_HIGH * (wrong.stuck_at == "high")
        flags |= STUCK_EITHER * (wrong.stuck_at == "either")
        threshold = min(round(wrong.stuck * 2**32), 2**32 - 1)
        line = CHIP_LINE.pack(chip.seed, 0, flags, threshold)
        return ENGINE << 4 | CHIP, np.frombuffer(line, np.uint8)[np.newaxis]

    def _write_tables(self) -> Iterator[Memory]:
        for number, plan in enumerate(self._plans):
            lines = write_table_lines(plan.table, self._machine.identity.state_bits)
            yield number << 4 | WRITE_TABLE, lines

    def _states(self) -> Iterator[Memory]:
        for number, (plan, layer) in enumerate(zip(self._plans, self._network.layers, strict=True)):
            polarity = plan.polarity[layer.states].astype(np.uint8)
            content = (polarity << POLARITY_SHIFT | layer.states).astype(np.uint8)
            yield number << 4 | STATES, content


REDRAW_CLOCKS = 4
"""That a redraw takes for each cell, at most."""


class ResidentChips:
    """Chips on a machine that redraws them and keeps images.

    Parameters
    ----------
    machine : Memories
        What they are made on.
    maker : ChipMaker
        Makes them there.
    """

    def __init__(self, machine: Memories, maker: ChipMaker) -> None:
        self._machine, self._maker = machine, maker

    @property
    def possible(self) -> bool:
        """Whether the machine keeps images, and makes each chip of states that are there."""
        return self._maker.redraws and Feature.RESIDENT in self._machine.identity.features

    def run(
        self,
        chips: Sequence[tuple[Chip, Network]],
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer],
        progress: Progress = lambda shown: None,
    ) -> list[ResidentCounts]:
        """Show all images to each chip.

        Parameters
        ----------
        chips : sequence of (Chip, Network)
            Chips of one network and one kind of device, as of `ChipMaker.make`.
        images, labels
            As of `allspin.host.machines.resident.ResidentImages.load`.
        progress : callable
            Called with the number of images shown so far, all chips together.

        Returns
        -------
        list of ResidentCounts
            Of each chip.

        Raises
        ------
        UserError
            If a chip has noise that the machine has not, or the machine fails or was reset.
        """
        self._maker.make(*chips[0])
        redraws = self._redraws(chips)
        counts = [ResidentCounts(0, 0, 0)] * len(chips)
        resident = ResidentImages(self._machine)
        clocks = REDRAW_CLOCKS * sum(
            layer.rows * layer.columns for layer in self._machine.identity.layers
        )
        seconds = clocks / (self._machine.identity.frequency or SLOWEST)
        for batch in resident.batches(images, labels):
            run = resident.requests(batch.start)
            answers = self._machine.session.ask_groups(
                [[*redraw, *run] for redraw in redraws],
                lambda done, batch=batch: progress(batch.start * len(chips) + len(batch) * done),
                seconds=seconds + resident.seconds,
            )
            found = [resident.counts(answer) for answer in answers]
            counts = [before + more for before, more in zip(counts, found, strict=True)]
        return counts

    def _redraws(self, chips: Sequence[tuple[Chip, Network]]) -> list[Group]:
        """What makes each chip of any other: the memories that are not alike, and a redraw."""
        memories = [dict(self._maker.memories(*chip)) for chip in chips]
        # One that is not used, as those of amplifiers without offsets, some chips have not.
        alike = {
            space
            for space, lines in memories[0].items()
            if all(space in each and np.array_equal(each[space], lines) for each in memories)
        }
        return [
            [
                (Request.WRITE, body)
                for body in self._machine.writes(
                    [
                        *((space, lines) for space, lines in each.items() if space not in alike),
                        (ENGINE << 4 | REDRAW, REDRAW_LINE),
                    ]
                )
            ]
            for each in memories
        ]
