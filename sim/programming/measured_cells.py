"""Cells whose R_AH is known: read by a probe station, learned in the array, or ideal."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.words import WORD_BITS, Integers, word_units
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief
from allspin.sim.programming.plans import level_targets
from allspin.sim.programming.reference_column import write_reference
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Array
from allspin.sim.synapse.synapse import Synapse

ON_COLUMNS = (
    "read_noise",
    "amplifier_gain",
    "amplifier_offset",
    "converter_gain",
    "converter_offset",
)
"""Imperfections of columns. Those of cells are part of R_AH that was read."""
OF_REFERENCES = ("reference", "reference_column")
"""Imperfections of reference cells, where these were not read."""


@dataclass(frozen=True, eq=False)
class MeasuredCells(Brief):
    """R_AH of a network's cells, in place of programming them.

    Attributes
    ----------
    source : str
        File that it comes from, or another name.
    held : list of ndarray of int64, each (rows, columns)
        R_AH, less the source's references, in units of ``2**-21`` words.
    missing : int
        Cells without a value: they are taken for open (`Device.open_cell`).
    saturated : int
        Cells whose R_AH is beyond the words' range: they get the largest or smallest word.
    referenced : bool
        True if the source has R_AH of the reference cells.
    """

    source: str
    held: list[Integers]
    missing: int
    saturated: int
    referenced: bool

    @classmethod
    def ideal(cls, network: Network) -> Self:
        """Return cells that hold the levels of a network's states exactly."""
        held = [layer.words.astype(np.int64) << WORD_BITS for layer in network.layers]
        return cls("the network", held, missing=0, saturated=0, referenced=True)

    @property
    def cells(self) -> int:
        """Cells of the network."""
        return sum(held.size for held in self.held)

    def varying(self, chip: Chip, drawn: bool = True) -> Chip:
        """Return a chip of which only the parts beside the cells vary.

        Parameters
        ----------
        chip : Chip
            Chip with all variation of its device.
        drawn : bool
            True if neurons, amplifiers, converters and reference cells that were not read are the
            chip's; else they are the mean ones.
        """
        device = chip.device
        parts: dict[str, Any] = {
            "neuron_variation": NeuronVariation(),
            "imperfections": Imperfections(),
            "adc": AdcVariation(),
        }
        if drawn:
            names = ON_COLUMNS if self.referenced else (*ON_COLUMNS, *OF_REFERENCES)
            wrong = {name: getattr(device.imperfections, name) for name in names}
            parts = {"imperfections": Imperfections(**wrong)}
        # A written reference column varies as cells do, while R_AH of the cells is known.
        varied = float(parts["imperfections"].reference_column == "written")
        synapse = device.synapse.varied(varied, varied)
        return Chip(replace(device, synapse=synapse, **parts), chip.seed)

    def less_references(self, chip: Chip, network: Network) -> list[Integers]:
        """Subtract the reference column of a chip from the cells.

        Parameters
        ----------
        chip : Chip
            Chip of `varying`.
        network : Network
            Network that the cells were programmed with.

        Returns
        -------
        list of ndarray of int64, each (rows, columns)
            In units of ``2**-21`` words.
        """
        kept = []
        for number, (layer, held) in enumerate(zip(network.layers, self.held, strict=True)):
            ends = int(layer.levels[0]), int(layer.levels[-1])
            written = write_reference(chip, number, layer, Programming()).errors
            kept.append(held - chip.reference_errors(number, layer.rows, ends, written))
        return kept

    def readings(self) -> list[str]:
        """Return the assumptions about the source, a line each."""
        lines = [f"cells as {self.source} has them, with all that varies of a cell"]
        if self.missing:
            lines.append(
                f"{self.missing:,} of {self.cells:,} cells are missing; they are taken for open"
            )
        if self.referenced:
            lines.append(f"reference cells as {self.source} has them")
        if self.saturated:
            lines.append(
                f"{self.saturated:,} of {self.cells:,} cells are saturated: their R_AH is beyond "
                "the words' range"
            )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return the values that ``--json`` prints."""
        return {
            "file": self.source,
            "cells": self.cells,
            "missing": self.missing,
            "saturated": self.saturated,
            "referenced": self.referenced,
        }


def words_of_resistance(
    synapse: Synapse,
    levels: npt.NDArray[np.int16],
    resistance: Array,
    reference: npt.ArrayLike = np.nan,
    opened: float | None = None,
) -> Integers:
    """Convert R_AH of cells to words: the inverse of `ProgrammedCells.resistance`.

    Parameters
    ----------
    synapse : Synapse
        Synapse whose range the outermost levels stand for.
    levels : ndarray of int16, shape (states,)
        The layer's levels.
    resistance : ndarray of float64, shape (rows, columns)
        R_AH in the synapse's unit; NaN for a cell that is not known. Such a cell is taken for
        open.
    reference : array_like of float64, as (rows, columns) or (rows, 1)
        R_AH of the reference cells, which is subtracted; NaN where it is as it should be: that of
        word 0.
    opened : float or None
        R_AH of an open cell (`Device.open_cell`); None for one that adds nothing: word 0.

    Returns
    -------
    ndarray of int64, shape (rows, columns)
        In units of ``2**-21`` words.

    Raises
    ------
    ValueError
        If the last level is not above the first.
    """
    if int(levels[-1]) <= int(levels[0]):
        raise ValueError("the last level must be above the first")
    _, scale = level_targets(synapse, levels)
    if opened is not None:
        resistance = np.where(np.isnan(resistance), opened, resistance)
    own, errors = (
        word_units(np.nan_to_num((values - synapse.low) * scale + float(levels[0]), nan=0.0))
        for values in (resistance, np.asarray(reference))
    )
    return own - errors
