"""The chip of a page: a network, programmed as the page's setting says."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import open_network
from allspin.host.live.choices import Choices, PageSetting
from allspin.host.live.knobs import turned
from allspin.sim.device.device import Device
from allspin.sim.errors import refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import Layer
from allspin.sim.network.network import Network
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import Programming, default_tries

CURVE = 257
"""Points of a neuron's curve."""


@dataclass(frozen=True, eq=False)
class PageChip:
    """Network, programmed into a chip by a page's setting.

    Attributes
    ----------
    setting : PageSetting
        Setting of the page.
    base, network : Network
        Network as trained, of the ideal chip; and as machines run it.
    device : Device
        Device of the chip, with its knobs applied.
    programming : Programming
        How chips are programmed.
    chip : ProgrammedChip or None
        The chip; None for the ideal one.
    golden, ideal : GoldenModel
        Of the chip, and of the ideal one.
    """

    setting: PageSetting
    base: Network
    network: Network
    device: Device
    programming: Programming
    chip: ProgrammedChip | None
    golden: GoldenModel
    ideal: GoldenModel

    @classmethod
    def of(cls, choices: Choices, setting: PageSetting) -> "PageChip":
        """Program the network as a setting says.

        Raises
        ------
        UserError
            If the device's figures leave their range, or its levels cannot be programmed.
        """
        base = network = open_network(choices.networks[setting.network])
        chip, ideal = None, GoldenModel(base)
        golden = ideal
        with refused():
            device = turned(choices.device, setting.knobs)
            how = Programming(setting.scheme, tries=default_tries(base))
            if setting.chip is not None:
                chip = program(base, device, setting.chip, how, calibrated=setting.calibrate)
                network, golden = chip.network, chip.golden()
        return cls(setting, base, network, device, how, chip, golden, ideal)

    @property
    def words(self) -> list[npt.NDArray[np.int8]]:
        """R_AH words of each crossbar, shape (rows, columns)."""
        return [layer.words for layer in self.network.layers]

    def to_dict(self) -> dict[str, Any]:
        """Return the message to a page about the chip, without the words."""
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
    geometry = asdict(layer.kind)  # pyright: ignore[reportArgumentType]
    told: dict[str, Any] = {
        "rows": layer.rows,
        "columns": layer.columns,
        "top": max(1, int(np.abs(layer.levels.astype(np.int64)).max())),
        "states": len(layer.levels),
        "table": None if layer.table is None else layer.table.tolist(),
        "curve": None,
        "inWords": layer.beyond_words is None,
        "kernels": geometry or None,
    }
    if layer.converter is not None:
        top = 2**network.hidden_bits - 1
        curve = network.neuron.response(np.linspace(0, 1, CURVE)) * top
        told["curve"] = np.round(curve, 3).tolist()
    return told


def _counts(chip: ProgrammedChip) -> dict[str, Any]:
    """Return the counts of programming, for a line of the page."""
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
