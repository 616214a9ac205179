"""Programming: a network's states become the R_AH words of a chip.

Four schemes write cells (``docs/programming.md`` has them in words):

open-loop
    Each cell is saturated and given one train of whole pulses, computed from the response of the
    mean device. Cells are not read.
pulse-width
    As open loop, but with one pulse a state, each as wide as the step to the next level needs:
    short pulses first, wider ones later. So every level is met, not only those that whole pulses
    meet.
write-verify
    A cell is written as in open loop and read. If it is outside the band about its level, it is
    written again, up to a number of tries. The reads tell how this device differs from the mean
    one, and the next train is computed for that device.
incremental
    As write-verify, but a cell that was read outside the band gets further pulses where it is, of
    either polarity, unless a train from saturation is likelier to end at its level.

Cells whose R_AH is known are taken as they are (`allspin.sim.programming.measured_cells`). All
chance is drawn by the chip's generator (`allspin.sim.chip.generator`): the same seed makes the same
words everywhere.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.array.in_array import InArray, in_array
from allspin.sim.chip.calibration import calibrate
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.chip_layer import ChipLayer
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.chip.words import Integers, Words, rounded_words
from allspin.sim.device.device import Device
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.parameters import Shown
from allspin.sim.programming.cells import ProgrammedCells
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.measured_cells import MeasuredCells
from allspin.sim.programming.open_loop import count_open_loop, write_open_loop
from allspin.sim.programming.plans import OpenLoopPlan, plan_layers
from allspin.sim.programming.reference_column import write_reference
from allspin.sim.programming.schemes import Programming
from allspin.sim.programming.write_verify import write_verify


@dataclass(frozen=True, eq=False)
class ProgrammedChip(Shown):
    """A chip whose cells are written, ready to run.

    Attributes
    ----------
    chip : Chip
        Device and seed.
    base : Network
        The network as it was trained.
    how : Programming or MeasuredCells
        Scheme that wrote the cells, or the cells that were read.
    array : InArray
        The network with the chip's words, V-I converters, neurons and ADCs, in the array of its
        device.
    words : list of ndarray of int8, each (rows, columns)
        R_AH words of the cells, before the array acts on them.
    noise : ColumnNoise or None
        Noise at each use; None where nothing changes from use to use.
    counts : Counts
        Cost of programming; all 0 for measured cells.
    cells : list of ProgrammedCells
        Outcome for each cell, by layer; empty for measured cells.
    plans : list of OpenLoopPlan
        Trains of each layer's states; empty for measured cells.
    calibration_uses : int or None
        Uses of neurons that calibration took; None if the neurons are not calibrated.
    drawn : bool
        True if neurons, amplifiers and converters are those of the chip's seed; else they are the
        mean ones.
    """

    chip: Chip
    base: Network
    how: Programming | MeasuredCells
    array: InArray
    words: list[Words]
    noise: ColumnNoise | None
    counts: Counts
    cells: list[ProgrammedCells]
    plans: list[OpenLoopPlan]
    calibration_uses: int | None
    drawn: bool

    @property
    def network(self) -> Network:
        """Network that the chip computes: its array's."""
        return self.array.network

    @property
    def device(self) -> Device:
        """Device that the chip is made of."""
        return self.chip.device

    @property
    def seed(self) -> int | None:
        """Seed of the chip's draws; None if neurons and converters are the mean ones."""
        return self.chip.seed if self.drawn else None

    @property
    def programming(self) -> Programming | None:
        """Scheme that wrote the cells; None for measured cells."""
        return self.how if isinstance(self.how, Programming) else None

    @property
    def measured(self) -> MeasuredCells | None:
        """Cells that were read; None if a scheme wrote them."""
        return self.how if isinstance(self.how, MeasuredCells) else None

    @property
    def title(self) -> str:
        """Name of the chip in results."""
        if self.measured is None:
            return f"chip {self.seed} of {self.device.name}"
        neurons = f", neurons of chip {self.seed}" if self.drawn else ""
        return f"{self.measured.source} of {self.device.name}{neurons}"

    @property
    def converged(self) -> list[npt.NDArray[np.bool_]]:
        """Cells that were read within the band, by layer; empty if cells are not read."""
        return [each.converged for each in self.cells if each.converged is not None]

    def golden(self) -> GoldenModel:
        """Return the golden model of this chip."""
        return GoldenModel(self.network, noise=self.noise)

    def accuracy(self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]) -> float:
        """Compute the share of images that the chip classifies correctly.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, height, width)
            Grey levels.
        labels : ndarray of int, shape (images,)
            Their classes.
        """
        return float(np.mean(self.golden().classify(images) == labels))

    def readings(self) -> list[str]:
        """Return the assumptions of the chip that the paper leaves open, a line each."""
        device = self.device
        lines = self.how.readings()
        if self.base.neuron.noise:
            lines.append(f"neurons switch by chance, at each use: {self.base.neuron}")
        left_out = []
        if self.measured is not None:
            left_out += device.synapse.readings()
            if not self.drawn:
                left_out += device.neuron_variation.readings()
                lines.append("neurons are the mean one, each use like the other")
                if device.open_cell is not None and not self.measured.referenced:
                    lines.append("reference cells are ideal, in the middle of the range")
        return lines + [line for line in device.readings() if line not in left_out]

    def to_dict(self) -> dict[str, Any]:
        """Return the values that ``--json`` prints; see ``docs/programming.md``."""
        how = self.programming
        verify = how if how is not None and how.verifies else None
        electrical = self.device.electrical
        circuit = self.device.array
        array = {
            "reading": circuit.reading,
            "supply": circuit.supply,
            "folded": self.array.folded,
            "error": self.array.error,
            "residual": self.array.residual,
            "saturated": self.array.saturated,
        }
        counts: dict[str, Any] = asdict(self.counts)
        return {
            "device": self.device.name,
            "scheme": None if how is None else how.scheme,
            "polarity": None if how is None else how.polarity,
            "tries": None if verify is None else verify.tries,
            "band": None if verify is None else verify.band,
            "measured": None if self.measured is None else self.measured.to_dict(),
            **(dict.fromkeys(counts) if how is None else counts),
            "energy": None if how is None else self.counts.energy(electrical),
            "time": None if how is None else self.counts.time(electrical),
            "calibration_uses": self.calibration_uses,
            "array": array if self.array.layers else None,
            "readings": self.readings(),
        }


def program(
    network: Network,
    device: Device,
    seed: int,
    how: Programming | MeasuredCells | None = None,
    *,
    calibrated: bool = False,
    drawn: bool = True,
) -> ProgrammedChip:
    """Program a chip with a network.

    Parameters
    ----------
    network : Network
        States and levels.
    device : Device
        Device that the chip is made of.
    seed : int
        Number of the chip, 0 to 2**32 - 1.
    how : Programming or MeasuredCells, optional
        Scheme, or cells whose R_AH is known (open loop).
    calibrated : bool
        True to calibrate the thresholds of the chip's neurons.
    drawn : bool
        False to give measured cells mean neurons, amplifiers and converters.

    Returns
    -------
    ProgrammedChip

    Raises
    ------
    ValueError
        If the seed is outside its range, a layer's levels do not rise from first to last, or the
        array cannot have such cells.
    """
    how = Programming() if how is None else how
    chip = Chip(device, seed)
    if isinstance(how, MeasuredCells):
        chip = how.varying(chip, drawn)
    uses = None
    tuned = network
    if calibrated:
        tuned, uses = calibrate(chip, network)
    plans: list[OpenLoopPlan] = []
    cells: list[ProgrammedCells] = []
    counts = Counts()
    if isinstance(how, MeasuredCells):
        held = how.less_references(chip, network)
    else:
        plans = plan_layers(chip.device.synapse, network, how)
        cells, counts = _write_cells(chip, network, how, plans)
        held = [each.held for each in cells]
    words = _round_words(chip, network, held)
    noise = ColumnNoise.of_chip(chip, network)
    varied = with_words(vary_columns(chip, tuned), words)
    # Noise on sums is in units of the sums that an amplifier sees, which folding would change.
    folding = noise is None or noise.on_neurons_only
    array = in_array(varied, chip.device.array, folding=folding)
    return ProgrammedChip(
        chip, network, how, array, words, noise, counts, cells, plans, uses, drawn
    )


def _write_cells(
    chip: Chip, network: Network, how: Programming, plans: list[OpenLoopPlan]
) -> tuple[list[ProgrammedCells], Counts]:
    """Write the cells of every layer, with the reference columns of a device that has them."""
    cells = []
    counts = Counts()
    for number, (layer, plan) in enumerate(zip(network.layers, plans, strict=True)):
        reference = write_reference(chip, number, layer, how)
        counts += reference.counts
        if how.verifies:
            verified, cost = write_verify(chip, number, layer, how, reference)
            cells.append(verified)
            counts += cost
        else:
            bits = network.rah_bits
            cells.append(write_open_loop(chip, number, layer, plan, bits, reference))
            counts += count_open_loop(layer, plan)
    return cells, counts


def _round_words(chip: Chip, network: Network, held: list[Integers]) -> list[Words]:
    """R_AH words of every layer, with the gains of its tiles."""
    words = []
    for number, (layer, each) in enumerate(zip(network.layers, held, strict=True)):
        words.append(rounded_words(chip.through_gains(layer, number, each), network.rah_bits))
    return words


def with_words(network: Network, words: list[Words]) -> Network:
    """Return a network whose cells hold these R_AH words.

    Parameters
    ----------
    network : Network
        The network.
    words : list of ndarray of int8, each (rows, columns)
        R_AH words of each layer.
    """
    layers = []
    for layer, cells in zip(network.layers, words, strict=True):
        layers.append(ChipLayer(**layer.parts, cells=cells))
    return replace(network, layers=tuple(layers))
