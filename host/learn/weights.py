"""Weights of a crossbar that learns: numbers in software, or pairs and single devices."""

from typing import Any

import numpy as np

from allspin.host.learn.devices import Cells, CrossbarDevices
from allspin.host.learn.parameters import ArrayParameters
from allspin.host.learn.symmetry import reference_resistance
from allspin.host.train.gradient.number_formats import Array
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import Synapse

NEARLY_FULL = 0.9
"""Share of the range from which a device of a pair is nearly full."""
SECOND_CHIP = 2**31
"""Difference of the chip seeds of a pair's two devices."""


class SoftwareWeights:
    """Numbers without bounds or noise: the paper's software synapses.

    Parameters
    ----------
    initial : ndarray of float32, shape (rows, columns)
        First weights.

    Attributes
    ----------
    matrix : ndarray of float32, shape (rows, columns)
        Weights as the network reads them.
    """

    def __init__(self, initial: Array) -> None:
        self.matrix = initial.copy()

    def update(self, change: Array, rows: Cells | None = None) -> None:
        """Change the weights.

        Parameters
        ----------
        change : ndarray of float32, shape (rows, columns)
            Change that the learning rule asks for; it may be overwritten.
        rows : ndarray of int, optional
            Rows that change; all by default.
        """
        if rows is None:
            self.matrix += change
        else:
            self.matrix[rows] += change


class PulsedWeights:
    """Devices: the weight follows the R_AH that is read, and only pulses change it.

    The update ``equal`` gives a change its share of P_max pulses of its polarity, at any R_AH.
    ``width`` gives one pulse, as wide as the mean device needs. ``sign`` gives one pulse if the
    change exceeds a threshold. `allspin.host.learn.devices.CrossbarDevices` computes the effect of
    pulses; R_AH never leaves the device's range.

    With pairs, a weight is the difference of two devices, which are potentiated only. If one
    device is nearly full, both are saturated at the lowest R_AH and their difference is written
    again: the *refresh*.

    Parameters
    ----------
    synapse : Synapse
        The device. Its range is a range of weights of 2; for a pair, of 1.
    parameters : ArrayParameters
        Learning rule, and the seed of all draws.
    initial : ndarray of float32, shape (rows, columns)
        First weights; rounded at random to a whole number of mean steps.
    layer : int
        Number of the crossbar, from 0, which names the draws too.

    Attributes
    ----------
    matrix : ndarray of float32, shape (rows, columns)
        Weights as the network reads them.
    devices : list of one or two CrossbarDevices
        The devices; two if weights are pairs.
    low, high : float
        Least and largest weight of the mean device.
    """

    def __init__(
        self, synapse: Synapse, parameters: ArrayParameters, initial: Array, layer: int = 0
    ) -> None:
        self.synapse = synapse
        self.parameters = parameters
        pair = parameters.pair
        self._rng = np.random.default_rng([parameters.seed, 1, layer])
        self._scale = (1 if pair else 2) / synapse.span
        self._zero = synapse.low if pair else reference_resistance(synapse, parameters.reference)
        low = (synapse.low - self._zero) * self._scale
        self.high = (synapse.high - self._zero) * self._scale
        self.low = -self.high if pair else low
        self._pulses_across = [synapse.pulses_across(polarity) for polarity in Polarity]
        up, down = self._pulses_across
        if pair:
            down = up  # both devices of a pair are potentiated
        across = [parameters.steps or up, parameters.steps or down]
        unit = self.high - low
        self._steps_per_weight = [np.float32(pulses / unit) for pulses in across]

        self.devices: list[CrossbarDevices] = []
        for number, asked in enumerate([initial, -initial] if pair else [initial]):
            steps = (np.clip(asked, low, self.high) - low) / (unit / across[0])
            steps = np.floor(steps + self._rng.random(steps.shape))
            stored = synapse.low + synapse.span / across[0] * np.minimum(steps, across[0])
            # The second device of each pair is a cell of another chip.
            chip = (parameters.seed + number * SECOND_CHIP) % 2**32
            self.devices.append(
                CrossbarDevices(synapse, stored, chip, layer, self._rng, parameters.device)
            )
        self._chance = np.empty_like(self.stored)
        # If R_AH itself is the weight, the network reads the devices' array without a copy.
        self._is_resistance = not pair and self._scale == 1 and self._zero == 0
        if self._is_resistance:
            self.matrix = self.devices[0].resistance
        else:
            self.matrix = np.empty_like(self.stored)
        self.settle()

    @property
    def stored(self) -> Array:
        """R_AH that each device stores; of pairs, the first device's."""
        return self.devices[0].stored

    def _read_weights(self, cells: Cells) -> None:
        """Bring the weights of cells up to date with their devices."""
        if self._is_resistance:
            return
        first = self.devices[0].resistance.ravel()[cells]
        subtracted: Any = np.float32(self._zero)
        if self.parameters.pair:
            subtracted = self.devices[1].resistance.ravel()[cells]
        self.matrix.ravel()[cells] = (first - subtracted) * np.float32(self._scale)

    def update(self, change: Array, rows: Cells | None = None) -> None:
        """Change the weights by pulses; see `SoftwareWeights.update`."""
        if self.parameters.update == "sign":
            threshold = np.float32(self.parameters.threshold)
            steps = np.sign(change) * (np.abs(change) > threshold)
        else:
            steps = self._whole_steps(change, rows)
        columns = change.shape[1]
        steps = steps.ravel()
        for polarity, places in (
            (Polarity.POTENTIATION, np.flatnonzero(steps > 0)),
            (Polarity.DEPRESSION, np.flatnonzero(steps < 0)),
        ):
            if not places.size:
                continue
            cells = places
            if rows is not None:
                cells = rows[places // columns] * columns + places % columns
            self._pulse(polarity, cells, np.abs(steps[places]))

    def _whole_steps(self, change: Array, rows: Cells | None) -> Array:
        """Turn a change of weights into a whole number of mean steps, in place."""
        up, down = self._steps_per_weight
        change *= up if up == down else np.where(change > 0, up, down)
        if self.parameters.rounding == "nearest":
            np.rint(change, out=change)
            return change
        chance = self._chance if rows is None else self._chance[: len(rows)]
        self._rng.random(dtype=np.float32, out=chance)
        change += chance
        np.floor(change, out=change)
        return change

    def _pulse(self, polarity: Polarity, cells: Cells, steps: Array) -> None:
        """Move weights by some steps in one polarity's direction."""
        devices = self.devices[0]
        if self.parameters.pair:
            devices = self.devices[polarity]
            polarity = Polarity.POTENTIATION
        is_wide = self.parameters.update == "width"
        if is_wide:
            pulses = self._width(devices, polarity, cells, steps)
        else:
            # P_max pulses cross the whole range; more have no effect.
            pulses = np.minimum(steps, self._pulses_across[polarity])
        devices.pulse(polarity, cells, pulses, one_wide_pulse=is_wide)
        if self.parameters.pair:
            self._refresh(cells)
        self._read_weights(cells)

    def _width(
        self, devices: CrossbarDevices, polarity: Polarity, cells: Cells, steps: Array
    ) -> Any:
        """Return the pulse width that moves the mean device by some steps, in nominal pulses."""
        sign = -1 if polarity == Polarity.DEPRESSION else 1
        before = devices.stored.ravel()[cells]
        step = self._steps_per_weight[polarity] * np.float32(self._scale)
        aim = before + sign * steps / step
        return self.synapse.pulses_to(polarity, aim) - self.synapse.pulses_to(polarity, before)

    def settle(self) -> None:
        """Bring all that is read up to date, for instance after Ctrl-C between two steps."""
        for devices in self.devices:
            devices.settle()
        self._read_weights(np.arange(self.stored.size))

    def _refresh(self, cells: Cells) -> None:
        """Write the difference of pairs again if one device is nearly full."""
        synapse = self.synapse
        up = Polarity.POTENTIATION
        above_low = np.array([each.stored.ravel()[cells] for each in self.devices]) - synapse.low
        full = above_low.max(axis=0) > NEARLY_FULL * synapse.span
        # A refresh does not help a weight that itself needs a full device.
        full &= above_low.min(axis=0) * self._pulses_across[up] >= synapse.span
        cells = cells[full]
        first, second = above_low[:, full]
        for devices, difference in zip(self.devices, (first - second, second - first), strict=True):
            devices.saturate(cells)
            pulses = np.rint(synapse.pulses_to(up, synapse.low + difference))
            some = pulses > 0
            devices.pulse(up, cells[some], pulses[some], one_wide_pulse=False)


Weights = SoftwareWeights | PulsedWeights
