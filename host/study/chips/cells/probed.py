"""A chip as a probe station read it back: R_AH words of a network's cells."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.study.chips.cells.reads import Reads, read_cells
from allspin.sim.chip.cells.words import rounded_words
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.fixed_point import Words
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.errors import UserError, refused
from allspin.sim.network.network import Network
from allspin.sim.programming.cells import measured_words

ON_COLUMNS = (
    *("read_noise", "amplifier_gain", "amplifier_offset"),
    *("converter_gain", "converter_offset"),
)
"""Imperfections of columns; those of cells are in what was read of the cells."""


@dataclass(frozen=True, eq=False)
class ProbedCells:
    """What a file says of a network's cells.

    Attributes
    ----------
    path : Path
        The file.
    words : list of ndarray of int8, each (rows, columns)
        R_AH words.
    missing : int
        Cells of which it says nothing: they are taken for open (`Device.open_cell`).
    saturated : int
        Cells whose R_AH is beyond the words' range: theirs is the largest or smallest word.
    held : list of ndarray of int64, each (rows, columns)
        What the words are rounded of, in units of ``2**-21`` words.
    referenced : bool
        Whether the file has what the reference cells hold, which is then subtracted.
    """

    path: Path
    words: list[Words]
    missing: int
    saturated: int
    held: list[npt.NDArray[np.int64]]
    referenced: bool = False

    def on(self, chip: Chip, network: Network) -> list[Words]:
        """The words less the chip's reference column, as the converters of its tiles take them.

        Parameters
        ----------
        chip : Chip
            What varies beside the cells: of `device`.
        network : Network
            What the cells were programmed with.
        """
        found = []
        for number, (layer, held) in enumerate(zip(network.layers, self.held, strict=True)):
            errors = chip.reference_errors(number, (layer.rows, layer.columns), layer.levels)
            kept = held if errors is None else held - errors
            through = chip.through_gains(network, number, kept)
            found.append(rounded_words(through, network.rah_bits))
        return found

    def device(self, device: Device, columns: bool) -> Device:
        """What varies of a device beside the cells, as `probed_device` has it."""
        return probed_device(device, columns, not self.referenced)

    @property
    def cells(self) -> int:
        """Cells of the network."""
        return sum(words.size for words in self.words)

    def readings(self) -> list[str]:
        """What is read into the file, a line each."""
        lines = [f"cells as {self.path} has them, with all that varies of a cell"]
        if self.missing:
            lines.append(
                f"{self.missing:,} of {self.cells:,} cells are missing; they are taken for open"
            )
        if self.referenced:
            lines.append(f"reference cells as {self.path} has them")
        if self.saturated:
            lines.append(
                f"{self.saturated:,} of {self.cells:,} cells are saturated: their R_AH is beyond "
                "the words' range"
            )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` says of it."""
        return {
            "file": str(self.path),
            "cells": self.cells,
            "missing": self.missing,
            "saturated": self.saturated,
            "referenced": self.referenced,
        }


def probed_device(device: Device, columns: bool, reference: bool = True) -> Device:
    """What varies of a device where its cells are known.

    Parameters
    ----------
    device : Device
        The device.
    columns : bool
        Whether neurons, amplifiers, converters and the reference column vary as the device says;
        else not at all.
    reference : bool
        Whether the reference column is one of them; False where it is known.
    """
    wrong = device.imperfections
    names = (*ON_COLUMNS, *(("reference",) if reference else ()))
    return dataclasses.replace(
        device,
        synapse=device.synapse.varied(0.0, 0.0),
        neuron_variation=device.neuron_variation if columns else NeuronVariation(),
        imperfections=Imperfections(**{name: getattr(wrong, name) for name in names})
        if columns
        else Imperfections(),
        adc=device.adc if columns else AdcVariation(),
    )


def probe_cells(path: Path, network: Network, device: Device, missing: float = 0.0) -> ProbedCells:
    """Take the cells of a network from a file.

    Parameters
    ----------
    path : Path
        As of `allspin.host.study.chips.cells.reads.read_cells`.
    network : Network
        What the cells were programmed with.
    device : Device
        Its range and unit tell what R_AH is worth in words.
    missing : float
        Share of the cells that may be missing.

    Raises
    ------
    UserError
        If the file cannot be read, has cells that the network has not, has one twice, lacks too
        many, or was written for other states.
    """
    shapes = [layer.states.shape for layer in network.layers]
    sizes = [layer.states.size for layer in network.layers]
    reads = read_cells(path, device.unit, sum(sizes))
    flat = _places(reads, network)
    _check_twice(reads, flat)
    if reads.states is not None:
        wanted = np.concatenate([layer.states.ravel() for layer in network.layers])[flat]
        for row in np.flatnonzero(reads.states != wanted)[:1].tolist():
            raise reads.fail(
                row,
                f"{reads.cell(row)} was written for state {reads.states[row]}, but the network has "
                f"state {wanted[row]} there; was it another network's?",
            )
    resistance, reference = np.full((2, sum(sizes)), np.nan)
    resistance[flat] = reads.resistance
    if reads.reference is not None:
        reference[flat] = reads.reference
    lacking = _check_missing(reads, network, resistance, missing)
    starts = np.cumsum([0, *sizes])
    words, held, saturated = [], [], 0
    for layer, start, shape in zip(network.layers, starts.tolist(), shapes, strict=False):
        part = slice(start, start + layer.states.size)
        with refused():
            found = measured_words(
                device.synapse,
                layer.levels,
                resistance[part].reshape(shape),
                network.rah_bits,
                reference=_rows_own(reference[part].reshape(shape)),
                opened=device.open_cell,
            )
        words.append(found.words)
        held.append(found.held)
        saturated += int(np.count_nonzero(found.saturated))
    return ProbedCells(path, words, lacking, saturated, held, reads.reference is not None)


def _rows_own(reference: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """References of cells; where one is not known, the mean of its row's, NaN without any."""
    known = ~np.isnan(reference)
    total, count = np.nansum(reference, axis=1), known.sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.where(known, reference, mean[:, None])


def _places(reads: Reads, network: Network) -> npt.NDArray[np.int64]:
    """Where each row's cell is among all cells of the network, layer by layer."""
    layers = reads.places["layer"]
    for row in np.flatnonzero(layers >= len(network.layers))[:1].tolist():
        raise reads.fail(
            row, f"there is no layer {layers[row]}: the network has {len(network.layers)}, from 0"
        )
    rows, columns = np.array([layer.states.shape for layer in network.layers], np.int64).T
    for name, ends in (("row", rows), ("column", columns)):
        values = reads.places[name]
        for row in np.flatnonzero(values >= ends[layers])[:1].tolist():
            raise reads.fail(
                row,
                f"layer {layers[row]} has no {name} {values[row]}: it has {ends[layers[row]]}, "
                "from 0",
            )
    starts = np.concatenate([[0], np.cumsum(rows * columns)])
    return starts[layers] + reads.places["row"] * columns[layers] + reads.places["column"]


def _check_twice(reads: Reads, flat: npt.NDArray[np.int64]) -> None:
    """Raise for the first row whose cell another row has."""
    order = np.argsort(flat, kind="stable")
    again = order[1:][flat[order[1:]] == flat[order[:-1]]]
    if again.size:
        row = int(again.min())
        first = int(np.flatnonzero(flat == flat[row])[0])
        raise reads.fail(
            row, f"{reads.cell(row)} is there twice, first in {reads.where(first)}; keep one"
        )


def _check_missing(
    reads: Reads, network: Network, resistance: npt.NDArray[np.float64], share: float
) -> int:
    """How many cells are missing, by having no row or no value; not more than a share."""
    missing = np.isnan(resistance)
    count = int(np.count_nonzero(missing))
    if count <= share * missing.size:
        return count
    empty = np.flatnonzero(np.isnan(reads.resistance))
    if empty.size:
        row = int(empty[0])
        which = f"{reads.where(row)}: R_AH of {reads.cell(row)} is missing"
    else:
        which = f"{_cell(network, int(np.argmax(missing)))} has no row"
    some = f", and of {count - 1:,} more" if count > 1 else ""
    allowed = f"at most {share:g} may with `missing`" if share else "or give `missing` a share"
    raise UserError(
        f"{reads.path}: {which}{some}, {count / missing.size:.2%} of the cells; measure again, "
        f"{allowed}"
    )


def _cell(network: Network, place: int) -> str:
    """Which cell of a network is at a place among all, in words."""
    for number, layer in enumerate(network.layers):
        if place < layer.states.size:
            row, column = divmod(place, layer.columns)
            return f"layer {number}, row {row}, column {column}"
        place -= layer.states.size
    raise ValueError(f"the network has no cell {place}")
