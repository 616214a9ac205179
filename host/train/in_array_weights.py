"""A crossbar's weights in training: numbers in software, or synapses that pulses move."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.generator import Purpose, cell_normals, column_normals
from allspin.sim.chip.words import D2D, UNIT
from allspin.sim.device.device import NeuronVariation
from allspin.sim.network.neuron import Neuron
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import SotSynapse

# Hidden neurons in training: a column's sum in, an activation in the same unit out.

Array = npt.NDArray[np.float32]

FINE = 4096
"""Entries of the tables that stand for the response and its slope."""


class Hidden(Protocol):
    """A layer of hidden neurons."""

    def forward(self, sums: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Activations and slopes of one use of each neuron.

        Parameters
        ----------
        sums : ndarray of float32, shape (images, columns)
            Column sums.
        rng : numpy.random.Generator
            Cycle-to-cycle deviations.

        Returns
        -------
        activations, slopes : ndarray of float32, shape (images, columns)
        """
        ...


class ReluHidden:
    """The ideal ReLU, in software."""

    def forward(self, sums: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """See `Hidden.forward`."""
        return np.maximum(sums, 0), (sums > 0).astype(np.float32)


class SotHidden:
    """SOT neurons behind their V-I converters, each a device of the chip.

    The arithmetic is that of `allspin.sim.device.device.NeuronVariation.respond`, with the
    response from a table. Slopes, for learning, are those of the device's own curve.

    Parameters
    ----------
    neuron : Neuron
        The mean device.
    variation : NeuronVariation
        How devices and uses differ.
    full_scale : float
        Column sum that drives the mean device with its full-scale current.
    columns : int
        Neurons.
    chip : int
        Names the D2D draws.
    layer : int
        Which layer's neurons they are, from 0; it names the draws, too.
    """

    def __init__(
        self,
        neuron: Neuron,
        variation: NeuronVariation,
        full_scale: float,
        columns: int,
        chip: int,
        layer: int = 0,
    ) -> None:
        currents = np.arange(FINE) / (FINE - 1)
        response = neuron.response(currents)
        self._response = (response * full_scale).astype(np.float32)
        self._slope = np.gradient(response, currents).astype(np.float32)
        self._full = np.float32(full_scale)
        self._pivot = np.float32(variation.pivot(neuron))
        gain, threshold = (
            column_normals(chip, layer, purpose, columns) * UNIT
            for purpose in (Purpose.NEURON_GAIN, Purpose.NEURON_THRESHOLD)
        )
        self._gain = (1 + variation.gain * gain).astype(np.float32)
        self._threshold = (variation.threshold_deviation(neuron) * threshold).astype(np.float32)
        self._use = np.float32(variation.use_deviation(neuron))

    def forward(self, sums: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """See `Hidden.forward`."""
        drive = self._gain * (sums / self._full - self._pivot) + self._pivot - self._threshold
        if self._use:
            drive += self._use * rng.standard_normal(drive.shape, np.float32)
        np.clip(drive, 0, 1, out=drive)
        drive *= np.float32(FINE - 1)
        place = (drive + np.float32(0.5)).astype(np.intp)
        return self._response[place], self._slope[place] * self._gain


class Weights(Protocol):
    """What a training asks of a crossbar.

    Attributes
    ----------
    matrix : ndarray of float32, shape (rows, columns)
        The weights as the network reads them.
    pulses : int
        Pulses given so far.
    """

    matrix: Array
    pulses: int

    def update(self, change: Array) -> None:
        """Change the weights.

        Parameters
        ----------
        change : ndarray of float32, shape (rows, columns)
            What the rule of learning asks for; it may be overwritten.
        """
        ...


class SoftwareWeights:
    """Numbers without bounds or noise: the paper's software synapses.

    Parameters
    ----------
    initial : ndarray of float32, shape (rows, columns)
        First weights.
    """

    def __init__(self, initial: Array) -> None:
        self.matrix = initial.copy()
        self.pulses = 0

    def update(self, change: Array) -> None:
        """See `Weights.update`."""
        self.matrix += change


def device_deviates(chip: int, layer: int, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Each cell's own D2D deviation by polarity, in standard deviations, as the chip has it."""
    potentiation, depression = (
        (cell_normals(chip, layer, D2D[polarity], shape) * UNIT).astype(np.float32)
        for polarity in Polarity
    )
    return potentiation, depression


class PulsedWeights:
    """SOT synapses: a weight is the R_AH that is read, and only pulses change it.

    A change is asked for in mean steps, ``span / (states - 1)``, and rounded to whole
    steps. Its sign is the polarity. With equal pulses a step is a pulse, whatever it does
    where the device is; with pulses of computed width it is the width that the mean device
    needs. What the pulses do, the device's curve says (`SotSynapse.advance`); each cell that
    got some has a cycle-to-cycle deviation of its own. The film never leaves its range.

    Parameters
    ----------
    synapse : SotSynapse
        The device; its R_AH in weights.
    initial : ndarray of float32, shape (rows, columns)
        R_AH asked for to begin with; it is rounded to a state, at random.
    layer, chip : int
        Name the D2D draws (`allspin.sim.chip.generator`).
    rng : numpy.random.Generator
        Rounding and cycle-to-cycle deviations: a training gives a cell more pulses than a
        chip's generator numbers.
    rounding : str
        One of `allspin.host.train.in_array.ROUNDINGS`.
    scheme : str
        One of `allspin.host.train.in_array.SCHEMES`.

    Attributes
    ----------
    film : ndarray of float32, shape (rows, columns)
        R_AH that each film holds.
    last : ndarray of int8, shape (rows, columns)
        Polarity of each cell's last pulse; at first depression, since a cycle begins with
        the film saturated at the highest R_AH.
    """

    def __init__(
        self,
        synapse: SotSynapse,
        initial: Array,
        *,
        layer: int,
        chip: int,
        rng: np.random.Generator,
        rounding: str = "stochastic",
        scheme: str = "equal",
    ) -> None:
        self.synapse, self.rounding, self.scheme = synapse, rounding, scheme
        self.layer, self.pulses = layer, 0
        self._rng = rng
        step = synapse.span / (synapse.states - 1)
        states = (np.clip(initial, synapse.low, synapse.high) - synapse.low) / step
        states = np.floor(states + rng.random(states.shape))
        self.film = (synapse.low + step * np.minimum(states, synapse.states - 1)).astype(np.float32)
        self.last = np.full(initial.shape, Polarity.DEPRESSION, np.int8)
        self._steps = np.float32(1 / step)
        self._chance = np.empty_like(self.film)
        self._own: tuple[Array, Array] | None = None
        self.matrix = self.film
        if any(synapse.d2d[polarity] for polarity in Polarity):
            self._own = device_deviates(chip, layer, (initial.shape[0], initial.shape[1]))
            self.matrix = self.read(synapse, self._own)

    def read(self, synapse: SotSynapse, own: tuple[Array, Array]) -> Array:
        """R_AH that is read where cells have given D2D deviates of a given synapse."""
        potentiated, depressed = (
            synapse.read(polarity, self.film, own[polarity]) for polarity in Polarity
        )
        return np.where(self.last == Polarity.DEPRESSION, depressed, potentiated).astype(np.float32)

    def update(self, change: Array) -> None:
        """See `Weights.update`."""
        change *= self._steps
        if self.rounding == "stochastic":
            self._rng.random(dtype=np.float32, out=self._chance)
            change += self._chance
            np.floor(change, out=change)
        else:
            np.rint(change, out=change)
        steps = change.ravel()
        for polarity, cells in (
            (Polarity.POTENTIATION, np.flatnonzero(steps > 0)),
            (Polarity.DEPRESSION, np.flatnonzero(steps < 0)),
        ):
            if cells.size:
                self._pulse(polarity, cells, np.abs(steps[cells]))

    def _pulse(self, polarity: Polarity, cells: npt.NDArray[np.intp], steps: Array) -> None:
        """Move cells some steps in one polarity's direction."""
        synapse = self.synapse
        own = 0.0 if self._own is None else self._own[polarity].ravel()[cells]
        before = self.film.ravel()[cells]
        if self.scheme == "width":
            aim = before + (steps if polarity == Polarity.POTENTIATION else -steps) / self._steps
            pulses = synapse.pulses_to(polarity, aim) - synapse.pulses_to(polarity, before)
            self.pulses += len(cells)
        else:
            # More than P_max pulses cannot do more: they have crossed the whole range.
            pulses = np.minimum(steps, synapse.response(polarity).pulses)
            self.pulses += int(pulses.sum())
        after = synapse.advance(polarity, before, pulses, own)
        if synapse.c2c[polarity]:
            deviation = synapse.cycle_deviation(polarity, before, pulses)
            after += deviation * self._rng.standard_normal(len(cells), np.float32)
            np.clip(after, synapse.low, synapse.high, out=after)
        self.film.ravel()[cells] = after
        self.last.ravel()[cells] = polarity
        if self._own is not None:
            self.matrix.ravel()[cells] = synapse.read(polarity, after, own)
