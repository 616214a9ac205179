"""Programmer: gateware that draws a chip's R_AH words from its seed, and noise at each use.

The host sends the states once and then, for each chip, its seed. The host itself sends words that
the Programmer cannot draw (`why_no_words`).
"""

import struct
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature
from allspin.hdl.parameters.memory_map import CHIP, ENGINE, STATES, WRITE_TABLE
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.host.link.identity import Identity
from allspin.host.link.memories import (
    Memory,
)
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.chip.write_table import WriteTable
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network.levels import full_scale
from allspin.sim.programming.program import ProgrammedChip
from allspin.sim.programming.schemes import Programming

CHIP_LINE = struct.Struct("<IHHI")
STUCK_FLAGS = {"low": 0, "high": 1, "either": 2}
"""Code of stuck cells in a chip's line."""
TOP_SHIFT = 8
POLARITY_SHIFT = 7

CHIPS = VariationParameters(redraw=True)
"""Gateware that draws chips of any network."""
SUM_CHIPS = replace(CHIPS, sum_noise=True)
"""Gateware for chips whose column sums have noise, or whose amplifiers have errors."""

USE_SPREAD_BITS = 8
"""Bits of a neuron's spread at each use beyond those of its current."""
SUM_SPREAD_BITS = 10
"""Bits of a sum's spread beyond those of a row's value and an R_AH word together."""
START_BITS = 16
"""Bits of an amplifier's offset, as it is sent, beyond those of a sum's spread."""
MAX_SHARE = 2**13 - 1
"""Largest gain error of an amplifier, in units of ``2**-13``; less than 1."""


def why_no_words(
    programming: Programming | None, device: Device, *, tiled: bool = False
) -> str | None:
    """Return the reason why no Programmer can draw the words of chips, or None if it can.

    Parameters
    ----------
    programming : Programming or None
        Programming scheme; None for cells that were read.
    device : Device
        Device that the chips are made of.
    tiled : bool
        True if the network has tiles: gains before their ADCs are part of the words.
    """
    if programming is None:
        return "the cells are as they were read"
    if programming.verifies:
        return f"{programming.scheme} reads analogue values"
    wrong = device.imperfections
    if wrong.hall_offset:
        return "the Programmer has no Hall offset"
    if wrong.referenced:
        return "the Programmer has no reference column"
    if tiled and (device.adc.gain or wrong.amplifier_gain):
        return "the Programmer has no gain of a tile's amplifiers and converters"
    if device.synapse.correlation:
        return "the Programmer draws both polarities' D2D apart"
    if wrong.drifts:
        return "the Programmer has no drift"
    if wrong.decays:
        return "the Programmer has no retention"
    if device.array.reading != "ideal":
        return "the array changes what they are worth"
    if round(wrong.stuck * 2**32) >= 2**32:
        return "all cells are stuck"
    if wrong.stuck and wrong.stuck_at not in STUCK_FLAGS:
        return "the Programmer has stuck cells at the ends of R_AH only"
    return None


def why_words_are_sent(chip: ProgrammedChip, identity: Identity) -> str | None:
    """Return the reason why a machine cannot draw a chip's words itself, or None if it can."""
    tiled = any(layer.adc is not None for layer in chip.base.layers)
    reason = why_no_words(chip.programming, chip.device, tiled=tiled)
    if reason is not None:
        return reason
    if Feature.PROGRAMMER not in identity.features:
        return "the gateware has no Programmer"
    if any(plan.table.beyond is not None for plan in chip.plans):
        return "levels or deviations of saturated films are beyond the Programmer's"
    states = max(len(plan.table.levels) for plan in chip.plans)
    if states > 2**identity.state_bits:
        return f"the Programmer has {2**identity.state_bits} states at most, not {states}"
    return None


def chip_profile(chip: ProgrammedChip, profile: HardwareProfile | None) -> HardwareProfile:
    """Add the variation that a chip needs to a virtual board's profile.

    Parameters
    ----------
    chip : ProgrammedChip
        Chip that the board is built for.
    profile : HardwareProfile or None
        Lanes and widths.

    Raises
    ------
    UserError
        If gateware cannot draw the chip's noise at each use.
    """
    check_tiles(chip.noise)
    variation = None
    if chip.noise is not None:
        variation = CHIPS if chip.noise.on_neurons_only else SUM_CHIPS
    elif why_no_words(chip.programming, chip.device) is None:
        variation = CHIPS
    offsets = bool(chip.device.adc.offset or chip.device.imperfections.amplifier_offset)
    return replace(profile or HardwareProfile(), variation=variation, tile_offsets=offsets)


def check_tiles(noise: ColumnNoise | None) -> None:
    """Raise a `UserError` if a chip has noise on the sums of tiles, which gateware cannot draw."""
    if noise is not None and noise.on_tiles:
        raise UserError(
            "gateware has no noise of tiles' converters, and no read noise and no amplifiers of "
            "tiles: run this chip on golden, or one of a device without them"
        )


def check_use_noise(name: str, identity: Identity, noise: ColumnNoise | None) -> None:
    """Check that a machine can draw a chip's noise at each use.

    Parameters
    ----------
    name : str
        Name of the machine in messages.
    identity : Identity
        Identity of the machine.
    noise : ColumnNoise or None
        Noise of the chip.

    Raises
    ------
    UserError
        If the machine lacks the noise, or a spread has too many bits.
    """
    check_tiles(noise)
    if noise is None:
        return
    if noise.layers > 1:
        if Feature.USE_NOISE not in identity.features:
            raise UserError(
                f"the gateware of {name} was built without noise at each use: run this chip on "
                "golden or virtual, or one of a device whose neurons have no C2C"
            )
        most = 2 ** (identity.current_bits + USE_SPREAD_BITS) - 1
        _check_extent("C2C of neurons", noise.use_spread, most)
    if noise.on_neurons_only:
        return
    if Feature.SUM_NOISE not in identity.features:
        raise UserError(
            f"the gateware of {name} was built without read noise, offset and gain error of "
            "amplifiers: run this chip on golden or virtual, or one of a device without them"
        )
    for number in range(noise.layers):
        value_bits = identity.hidden_bits if number else identity.pixel_bits
        most = 2 ** (value_bits + identity.rah_bits + SUM_SPREAD_BITS) - 1
        _check_extent(f"read noise in layer {number}", noise.read_spread(number), most)
        offset = int(np.abs(noise.offsets(number)).max())
        most = (most << START_BITS) - 1
        _check_extent(f"offset of an amplifier in layer {number}", offset, most)
    share = int(np.abs(noise.shares).max())
    _check_extent("error of an amplifier's gain, in units of 2^-13,", share, MAX_SHARE)


def _check_extent(quantity: str, value: int, most: int) -> None:
    """Raise a `UserError` if a value, in units of the link, has too many bits for gateware."""
    if value > most:
        raise UserError(
            f"this chip has more {quantity} than gateware has room for, {value} of at most "
            f"{most}: run it on golden"
        )


def chip_line(chip: ProgrammedChip) -> Memory:
    """Return the memory of a chip's seed, stuck cells and largest word."""
    wrong = chip.device.imperfections
    flags = full_scale(chip.base.rah_bits) << TOP_SHIFT
    flags |= STUCK_FLAGS.get(wrong.stuck_at, 0)
    threshold = min(round(wrong.stuck * 2**32), 2**32 - 1)
    line = CHIP_LINE.pack(chip.chip.seed, 0, flags, threshold)
    return ENGINE << 4 | CHIP, np.frombuffer(line, np.uint8)[np.newaxis]


def write_table_lines(table: WriteTable, state_bits: int) -> npt.NDArray[np.uint8]:
    """Encode a write table as lines of the protocol.

    Lines above the last state repeat the last state.

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


def write_tables(chip: ProgrammedChip, identity: Identity) -> Iterator[Memory]:
    """Yield the write table of every layer."""
    for place, plan in zip(identity.places(chip.base), chip.plans, strict=True):
        yield place << 4 | WRITE_TABLE, write_table_lines(plan.table, identity.state_bits)


def state_memories(chip: ProgrammedChip, identity: Identity) -> Iterator[Memory]:
    """Yield the states of every layer, each with the polarity of its train."""
    places = identity.places(chip.base)
    fitted = identity.fitted(chip.base)
    for place, plan, layer in zip(places, chip.plans, fitted.layers, strict=True):
        states = layer.states[: identity.layers[place].rows]
        polarity = plan.polarity[states].astype(np.uint8)
        yield place << 4 | STATES, (polarity << POLARITY_SHIFT | states).astype(np.uint8)
