"""Chips on a machine whose gateware makes them: one after another, or many that are shown the same.

The host sends the states once and then, for each chip, its seed: the machine's Programmer makes the
R_AH words. What a Programmer cannot make (`ChipMaker.reason`), the host computes and sends as
words.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature, Request
from allspin.hdl.parameters.memory_map import CHIP, ENGINE, REDRAW, STATES, WRITE_TABLE
from allspin.hdl.parameters.profile import VariationParameters
from allspin.host.link.identity import Identity
from allspin.host.link.memories import Memories, Memory, crossbar_memories, other_memories
from allspin.host.link.session import NO_PROGRESS, Group, Progress
from allspin.host.machines.resident import SLOWEST, ResidentCounts, ResidentImages
from allspin.sim.array.in_array import chip_in_array
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.chip.words import WriteTable
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network.fitted import bearable_noise, tabled
from allspin.sim.network.levels import full_scale
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming, plan_layers

CHIP_LINE = struct.Struct("<IHHI")
STUCK_FLAGS = {"low": 0, "high": 1, "either": 2}
"""Where a Programmer's stuck cells are, as a chip's line has it."""
TOP_SHIFT = 8
POLARITY_SHIFT = 7
REDRAW_LINE = np.ones((1, 1), np.uint8)
"""What orders a redraw."""
REDRAW_CLOCKS = 4
"""That a redraw takes for each cell, at most."""

CHIPS = VariationParameters(redraw=True)
"""The gateware that makes chips, for a part with room for all of it: one for any network."""
SUM_CHIPS = replace(CHIPS, sum_noise=True)
"""The same, of chips whose column sums have noise, or whose amplifiers have errors."""

USE_SPREAD_BITS = 8
"""Bits that a spread of noise at a use may have more than a neuron's current."""
SUM_SPREAD_BITS = 10
"""Bits that a spread of noise on sums may have more than a row's value and an R_AH word."""
START_BITS = 16
"""Bits that an amplifier's offset may have more than that, as it is sent."""
MAX_SHARE = 2**13 - 1
"""Largest share of its gain by which an amplifier may be wrong: less than all of it."""


def check_tiles(noise: ColumnNoise | None) -> None:
    """Raise a `UserError` if a chip's noise at each use is on tiles' sums: no gateware has it."""
    if noise is not None and noise.on_tiles:
        raise UserError(
            "gateware has no noise of tiles' converters, and no read noise and no amplifiers of "
            "tiles: run this chip on golden, or one of a device without them"
        )


def check_use_noise(name: str, identity: Identity, noise: ColumnNoise | None) -> None:
    """See that a machine has a chip's noise at each use, and room for it.

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
    layers = range(noise.layers)
    extents = []  # in units of the link: what each is, its value, and what there is room for
    if len(layers) > 1:
        if Feature.USE_NOISE not in identity.features:
            raise UserError(
                f"the gateware of {name} was built without noise at each use: run this chip on "
                "golden or virtual, or one of a device whose neurons have no C2C"
            )
        most = 2 ** (identity.current_bits + USE_SPREAD_BITS) - 1
        extents.append(("C2C of neurons", noise.use_spread, most))
    if not noise.on_neurons_only:
        if Feature.SUM_NOISE not in identity.features:
            raise UserError(
                f"the gateware of {name} was built without read noise, offset and gain error of "
                "amplifiers: run this chip on golden or virtual, or one of a device without them"
            )
        for number in layers:
            value_bits = identity.hidden_bits if number else identity.pixel_bits
            top = 2 ** (value_bits + identity.rah_bits + SUM_SPREAD_BITS) - 1
            offset = int(np.abs(noise.offsets(number)).max())
            most = (top << START_BITS) - 1
            extents.append((f"read noise in layer {number}", noise.read_spread(number), top))
            extents.append((f"offset of an amplifier in layer {number}", offset, most))
        share = int(np.abs(noise.shares).max())
        extents.append(("error of an amplifier's gain, in units of 2^-13,", share, MAX_SHARE))
    for what, value, most in extents:
        if value > most:
            raise UserError(
                f"this chip has more {what} than gateware has room for, {value} of at most "
                f"{most}: run it on golden"
            )


def why_not_programmed(programming: Programming | None) -> str | None:
    """Why no Programmer writes cells so; None if it can, and None for how: they were read."""
    if programming is None:
        return "the cells are as they were read"
    return f"{programming.scheme} reads analogue values" if programming.verifies else None


def why_not_made(device: Device, tiled: bool = False) -> str | None:
    """Why no Programmer makes the words of chips of a device; None if it can.

    Parameters
    ----------
    device : Device
        What the chips are made of.
    tiled : bool
        Whether their network has tiles, in whose words the gains before their converters are.
    """
    wrong = device.imperfections
    reasons = {
        "the Programmer has no Hall offset": wrong.hall_offset,
        "the Programmer has no reference column": wrong.referenced,
        "the Programmer has no gain of a tile's amplifiers and converters": tiled
        and (device.adc.gain or wrong.amplifier_gain),
        "the Programmer draws both polarities' D2D apart": device.synapse.correlation,
        "the Programmer has no drift": wrong.drifts,
        "the Programmer has no retention": wrong.decays,
        "the array changes what they are worth": device.array.reading != "ideal",
        "all cells are stuck": round(wrong.stuck * 2**32) >= 2**32,
        "the Programmer has stuck cells at the ends of R_AH only": wrong.stuck
        and wrong.stuck_at not in STUCK_FLAGS,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), None)


def tile_offsets(device: Device) -> bool:
    """Whether the converters of a chip's tiles start at offsets of their own."""
    return bool(device.adc.offset or device.imperfections.amplifier_offset)


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
        identity = machine.identity
        if network.classes < identity.classes and Feature.GENERAL not in identity.features:
            raise UserError(
                f"on a chip one of the {identity.classes} classes of {machine.name} that are not "
                f"of this network's {network.classes} could win: take a general machine"
            )
        self._machine = machine
        self._network = network
        wide = tabled(network, identity.current_bits, identity.neuron)
        self._bearable = bearable_noise(wide, identity.topology)
        self._made_of = made_of
        self._programming = programming
        self._plans = (
            [] if programming is None else plan_layers(made_of.synapse, network, programming)
        )
        tiled = any(layer.adc is not None for layer in network.layers)
        self.reason = (
            why_not_programmed(programming) or why_not_made(made_of, tiled) or self._why_not_here()
        )
        self._states_at: int | None = None  # after how many old frames they were sent

    def _why_not_here(self) -> str | None:
        """Why this machine's Programmer cannot make the words."""
        identity = self._machine.identity
        if Feature.PROGRAMMER not in identity.features:
            return "the gateware has no Programmer"
        if any(plan.table.beyond is not None for plan in self._plans):
            return "levels or deviations of saturated films are beyond the Programmer's"
        states = max(len(plan.table.levels) for plan in self._plans)
        if states > 2**identity.state_bits:
            return f"the Programmer has {2**identity.state_bits} states at most, not {states}"
        return None

    @property
    def where(self) -> str:
        """Where the words are made, in words."""
        if self.reason is None:
            return "words made by the gateware"
        return f"words sent by the host: {self.reason}"

    @property
    def redraws(self) -> bool:
        """Whether each chip but the first is made of states that are on the machine."""
        return self.reason is None and Feature.REDRAW in self._machine.identity.features

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
        if network is not None:
            varied = network
        elif self.reason is None:
            varied = chip.varied(self._network)
        elif self._programming is None:
            raise ValueError("a chip that is not programmed here must come with its words")
        else:
            words = program_chip(chip, self._network, self._programming).words
            varied = chip_in_array(chip, self._network, words).network
        memories = self.memories(chip, varied)
        line = self._machine.session.line
        line.forget_lost()
        if self.reason is not None:
            self._machine.write_memories(
                [*memories, *crossbar_memories(varied, self._machine.identity)], progress
            )
        else:
            # Words are made as states arrive, of the chip and the tables that are there.
            last = [(ENGINE << 4 | REDRAW, REDRAW_LINE)]
            if self._states_at != line.repeated or not self.redraws:
                memories += self._write_tables()
                last = [*self._states()]
            self._machine.write_memories(memories, progress)
            self._machine.write_memories(last, progress)
            self._states_at = line.repeated
        self._machine.running = varied
        self._machine.clear_counters()

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
        identity = self._machine.identity
        self._machine.check(varied)
        noise = chip.noise(self._network)
        check_use_noise(self._machine.name, identity, noise)
        if noise is not None and self._bearable is not None and noise.most > self._bearable:
            raise UserError(
                f"this chip has more C2C of neurons than spare columns of {self._machine.name} "
                "can bear: run it on golden, or on a machine of its own"
            )
        memories = [*other_memories(varied, identity, noise)]
        if Feature.PROGRAMMER in identity.features:
            wrong = self._made_of.imperfections
            flags = full_scale(self._network.rah_bits) << TOP_SHIFT
            flags |= STUCK_FLAGS.get(wrong.stuck_at, 0)
            threshold = min(round(wrong.stuck * 2**32), 2**32 - 1)
            line = CHIP_LINE.pack(chip.seed, 0, flags, threshold)
            memories.append((ENGINE << 4 | CHIP, np.frombuffer(line, np.uint8)[np.newaxis]))
        return memories

    def _write_tables(self) -> Iterator[Memory]:
        identity = self._machine.identity
        for place, plan in zip(identity.places(self._network), self._plans, strict=True):
            yield place << 4 | WRITE_TABLE, write_table_lines(plan.table, identity.state_bits)

    def _states(self) -> Iterator[Memory]:
        identity = self._machine.identity
        places, fitted = identity.places(self._network), identity.fitted(self._network)
        for place, plan, layer in zip(places, self._plans, fitted.layers, strict=True):
            states = layer.states[: identity.layers[place].rows]
            polarity = plan.polarity[states].astype(np.uint8)
            content = (polarity << POLARITY_SHIFT | states).astype(np.uint8)
            yield place << 4 | STATES, content


class ResidentChips:
    """Chips on a machine that redraws them and keeps images: batches outside, chips inside.

    A batch of images goes over the link once for all chips. What a chip differs by from the one
    before follows it, a redraw and a run: a group of requests, of which several are under way.

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
        progress: Progress = NO_PROGRESS,
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
        identity = self._machine.identity
        clocks = REDRAW_CLOCKS * sum(layer.rows * layer.columns for layer in identity.layers)
        seconds = clocks / (identity.frequency or SLOWEST)
        for batch in resident.batches(images, labels):
            run = resident.requests(batch.start)
            answers = self._machine.session.ask_groups(
                [[*redraw, *run] for redraw in redraws],
                lambda done, batch=batch: progress(batch.start * len(chips) + len(batch) * done),
                seconds=seconds + resident.seconds,
            )
            counts = [
                before + resident.counts(answer[-1])
                for before, answer in zip(counts, answers, strict=True)
            ]
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
        groups = []
        for each in memories:
            differing = [(space, lines) for space, lines in each.items() if space not in alike]
            bodies = self._machine.writes([*differing, (ENGINE << 4 | REDRAW, REDRAW_LINE)])
            groups.append([(Request.WRITE, body) for body in bodies])
        return groups
