"""What a page is shown: a drawing as an image, a chip, an image's values, the engine's cycles."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.engine_parameters import EVENT, SUM
from allspin.host.data.arrays import npz_bytes
from allspin.host.data.catalogue import open_network
from allspin.host.data.framing import frame_ink, framing_for
from allspin.host.live.choices import Choices, PageSetting
from allspin.host.live.knobs import turned
from allspin.host.show.version import commit
from allspin.sim.device.device import Device
from allspin.sim.errors import refused
from allspin.sim.network.golden import GoldenModel, LayerTrace
from allspin.sim.network.layer import Layer
from allspin.sim.network.network import Network
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import Programming, default_tries

# Strokes of a pen as an image of a network's.

GRID = 1000
"""Coordinates are whole numbers from 0 to this, across and down."""
SIDE = 280
"""Pixels across the raster that strokes are drawn on."""
PIXEL, STEP = 25, 7
"""What a pixel and a step of the grid are in units that both are whole numbers of."""
PEN = 0.085
"""Width of the pen, as a share of the pad's side: MNIST's is about a tenth of a digit's height."""

Strokes = Sequence[Sequence[int]]
"""Of each stroke x, y, x, y and so on."""


def drawn_image(strokes: Strokes, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """A drawing as a network sees it, framed as the images are that it was trained with.

    Parameters
    ----------
    strokes : sequence of sequence of int
        Of each stroke x, y, x, y and so on, from 0 to `GRID`; one point is a dot.
    shape : tuple of int
        Height and width of the network's images, and channels, which are then alike.

    Returns
    -------
    ndarray of uint8, shape `shape`
        Grey levels, 0 for paper; all 0 where nothing is drawn.
    """
    ink = np.zeros((SIDE, SIDE), np.float32)
    for stroke in strokes:
        points = np.reshape(stroke, (-1, 2)) * STEP
        for start, end in zip(points, points[len(points) > 1 :], strict=False):
            _draw_line(ink, start, end)
    framed = (shape[0], shape[1])
    image = frame_ink(ink, framed, framing_for(framed)) if ink.any() else np.zeros(framed, np.uint8)
    # A drawing is grey: all channels are alike.
    return np.broadcast_to(image.T, shape[:1:-1] + image.T.shape).T


def _draw_line(
    ink: npt.NDArray[np.float32], start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> None:
    """Ink each pixel whose middle is as near to a line as half a pen.

    In whole numbers, so that a page in the browser, by the same rule, draws the same pixels.
    """
    reach = PEN * SIDE * PIXEL / 2
    left, top = (np.maximum(np.minimum(start, end) - reach, 0) // PIXEL).astype(int)
    right, bottom = ((np.maximum(start, end) + reach) // PIXEL).astype(int) + 1
    part = ink[top:bottom, left:right]
    y, x = np.indices(part.shape)
    across, down = end - start
    x, y = (x + left) * PIXEL - start[0], (y + top) * PIXEL - start[1]
    along, square = x * across + y * down, max(across**2 + down**2, 1)
    to_start, to_end = x**2 + y**2, (x - across) ** 2 + (y - down) ** 2
    ends = np.where(along <= 0, to_start, to_end) * square
    distance = np.where((along > 0) & (along < square), (x * down - y * across) ** 2, ends)
    part[distance <= int(reach**2) * square] = 1


# What a setting becomes: a network, a chip, and the golden models of both.

CURVE = 257
"""Points of a neuron's curve."""


@dataclass(frozen=True, eq=False)
class Made:
    """A network, programmed into a chip.

    Attributes
    ----------
    setting : PageSetting
        What was chosen.
    base, network : Network
        As it was trained, the ideal chip; and what machines run.
    device : Device
        What the chip is made of, its knobs turned.
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
    def of(cls, choices: Choices, setting: PageSetting) -> "Made":
        """Make what was chosen.

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


# Every value of one image on its way through a chip.


@dataclass(frozen=True, eq=False)
class Flow:
    """An image's values.

    Attributes
    ----------
    image : ndarray of uint8, shape (height, width)
        Grey levels.
    number : int
        Which use of the neurons it is: their C2C is drawn for it.
    label : int or None
        Its class, where it is a test image.
    golden : list of LayerTrace
        Of the golden model, layer by layer, each of one image.
    ideal : ndarray of int64, shape (classes,)
        Logits of the ideal chip, by the golden model.
    machine : ndarray of int64, shape (classes,), or None
        Logits of the machine; None where the golden model is the machine.
    """

    image: npt.NDArray[np.uint8]
    number: int
    label: int | None
    golden: list[LayerTrace]
    ideal: npt.NDArray[np.int64]
    machine: npt.NDArray[np.int64] | None

    @property
    def logits(self) -> npt.NDArray[np.int64]:
        """The golden model's, shape (classes,)."""
        return self.golden[-1].sums[0]

    def to_dict(self) -> dict[str, Any]:
        """What a page is told."""
        names = ("inputs", "sums", "currents", "activations")
        machine = self.logits if self.machine is None else self.machine
        return {
            "image": self.image.ravel().tolist(),
            "label": self.label,
            "number": self.number,
            "layers": [
                {
                    name: None if (values := getattr(layer, name)) is None else values[0].tolist()
                    for name in names
                }
                for layer in self.golden
            ],
            "golden": self.logits.tolist(),
            "ideal": self.ideal.tolist(),
            "machine": None if self.machine is None else self.machine.tolist(),
            "mismatches": int(np.count_nonzero(machine != self.logits)),
        }


# All values that a page shows, as an npz archive.


def archive(
    made: Made,
    flow: Flow | None,
    activity: npt.NDArray[np.uint64] | None = None,
    confusion: npt.NDArray[np.int64] | None = None,
    chips: dict[int, float] | None = None,
) -> bytes:
    """Put what is shown into an archive.

    Parameters
    ----------
    made : Made
        The chip: its words are ``words_0`` and so on.
    flow : Flow or None
        The image and its values: ``image``, ``sums_0`` and so on; all but ``logits_machine`` are
        the golden model's.
    activity : ndarray of uint64, shape (clocks,), optional
        The engine's, of that image.
    confusion : ndarray of int64, shape (classes, classes), optional
        Images by label and by what they were taken for.
    chips : dict, optional
        Accuracy of chips by their seeds.

    Returns
    -------
    bytes
        An npz; ``setting`` in it is JSON.
    """
    setting = {**asdict(made.setting), "knobs": list(made.setting.knobs.items())}
    arrays: dict[str, Any] = {"setting": np.array(json.dumps({**setting, "commit": commit()}))}
    for number, words in enumerate(made.words):
        arrays[f"words_{number}"] = words
    if flow is not None:
        arrays |= {"image": flow.image, "use": np.int64(flow.number), "logits_ideal": flow.ideal}
        arrays["logits_machine"] = flow.machine
        for number, layer in enumerate(flow.golden):
            for name in ("inputs", "sums", "currents", "activations"):
                values = getattr(layer, name)
                arrays[f"{name}_{number}"] = None if values is None else values[0]
    arrays |= {"activity": activity, "confusion": confusion}
    if chips:
        arrays["chip_seeds"] = np.array(list(chips), np.int64)
        arrays["chip_accuracies"] = np.array(list(chips.values()))
    return npz_bytes({name: array for name, array in arrays.items() if array is not None})


def timeline(activity: npt.NDArray[np.uint64], layers: int) -> dict[str, Any]:
    """The cycles of each stage.

    Parameters
    ----------
    activity : ndarray of uint64, shape (clocks,)
        The engine's, of one image.
    layers : int
        Layers of the network.

    Returns
    -------
    dict
        ``clocks``, how many there are, and of each layer ``rows``, the cycles at which it took a
        driven row, and ``sums``, those at which it gave a column's sum away: both in the order of
        rows and columns.
    """

    def cycles(layer: int, bit: int) -> list[int]:
        return np.flatnonzero(activity >> np.uint64(4 * layer + bit) & np.uint64(1)).tolist()

    return {
        "clocks": len(activity),
        "stages": [
            {"rows": cycles(layer, EVENT), "sums": cycles(layer, SUM)} for layer in range(layers)
        ],
    }
