"""What a setting becomes: a network, a chip, and the golden models of both."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import open_network
from allspin.host.live.shown.choices import Choices, Setting
from allspin.host.live.shown.knobs import turned
from allspin.host.study.running.made_chip import ProgrammedChip
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.errors import refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Layer, Network
from allspin.sim.programming.schemes import Programming, default_tries

CURVE = 257
"""Points of a neuron's curve."""


@dataclass(frozen=True, eq=False)
class Made:
    """A network, programmed into a chip.

    Attributes
    ----------
    setting : Setting
        What was chosen.
    base : Network
        As it was trained: the ideal chip.
    device : Device
        What the chip is made of, its knobs turned.
    programming : Programming
        How chips are programmed.
    chip : ProgrammedChip or None
        The chip; None for the ideal one.
    """

    setting: Setting
    base: Network
    device: Device
    programming: Programming
    chip: ProgrammedChip | None

    @classmethod
    def of(cls, choices: Choices, setting: Setting) -> "Made":
        """Make what was chosen.

        Raises
        ------
        UserError
            If the device's figures leave their range, or its levels cannot be programmed.
        """
        base = open_network(choices.networks[setting.network])
        with refused():
            device = turned(choices.device, dict(setting.knobs))
            how = Programming(setting.scheme, tries=default_tries(base))
            chip = None
            if setting.chip is not None:
                chip = ProgrammedChip.of(
                    Chip(device, setting.chip), base, how, calibrated=setting.calibrate
                )
        return cls(setting, base, device, how, chip)

    @property
    def network(self) -> Network:
        """What machines run."""
        return self.base if self.chip is None else self.chip.network

    @cached_property
    def golden(self) -> GoldenModel:
        """The golden model of the chip."""
        return GoldenModel(self.network, noise=None if self.chip is None else self.chip.noise)

    @cached_property
    def ideal(self) -> GoldenModel:
        """The golden model of the ideal chip."""
        return self.golden if self.chip is None else GoldenModel(self.base)

    @property
    def words(self) -> list[npt.NDArray[np.int8]]:
        """R_AH words of each crossbar, shape (rows, columns)."""
        return [layer.words for layer in self.network.layers]

    def to_dict(self) -> dict[str, Any]:
        """What a page is told of it, but for the words."""
        network = self.network
        return {
            "network": self.setting.network,
            "shape": list(network.image_shape),
            "pixelBits": network.pixel_bits,
            "hiddenBits": network.hidden_bits,
            "currentBits": network.current_bits,
            "rahBits": network.rah_bits,
            "neuron": network.neuron.title or network.neuron.name,
            "layers": [_layer(network, layer) for layer in network.layers],
            "readings": [] if self.chip is None else self.chip.readings(),
            "counts": None if self.chip is None else _counts(self.chip),
        }


def _layer(network: Network, layer: Layer) -> dict[str, Any]:
    told: dict[str, Any] = {
        "rows": layer.rows,
        "columns": layer.columns,
        "top": max(1, int(np.abs(layer.levels.astype(np.int64)).max())),
        "states": len(layer.levels),
        "table": None if layer.table is None else layer.table.tolist(),
        "curve": None,
        "inWords": layer.beyond_words is None,
    }
    if layer.converter is not None:
        top = 2**network.hidden_bits - 1
        curve = network.neuron.response(np.linspace(0, 1, CURVE)) * top
        told["curve"] = np.round(curve, 3).tolist()
    return told


def _counts(chip: ProgrammedChip) -> dict[str, Any]:
    """What programming took, for a line of the page."""
    counts = chip.counts
    changed = sum(
        int(np.count_nonzero(now.words != before.words))
        for now, before in zip(chip.network.layers, chip.base.layers, strict=True)
    )
    return {
        "cells": counts.cells,
        "changed": changed,
        "pulsesPerCell": round(counts.pulses / counts.cells, 2),
        "readsPerCell": round(counts.reads / counts.cells, 2),
        "energy": counts.energy(chip.device.electrical),
    }
