"""The base class of synapses: the operations that programming, learning and reports use."""

import abc
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.parameters import Brief
from allspin.sim.synapse.normal_sample import normal_values
from allspin.sim.synapse.response import MAX_PULSES, Array, Polarity
from allspin.sim.synapse.written import Law, Written, over_devices

FAR = 4.0
"""Deviate at which the curves' linearity in the deviate is tested."""
STRAIGHT = 1e-6
"""Tolerance of that test, as a share of the range."""
AT_ONCE = 4096
"""Number of writes whose devices are computed at once, which limits the memory."""


class Synapse(Brief, abc.ABC):
    """Base class of the kinds of synapses; all methods are vectorised over devices.

    `deviate` is a device's own D2D deviation of a polarity in standard deviations; 0 is the mean
    device. The R_AH that a device stores (`advance`) differs from the R_AH that is read (`read`)
    if D2D is an offset or a factor on R_AH.

    A kind defines `low`, `high`, `curve`, `pulses_to`, `advance`, `read`, `cycle_deviation`,
    `varied`, `record` and `readings`. `allspin.sim.synapse.synapse_kinds` registers it for device
    files.
    """

    states: int

    @property
    def correlation(self) -> float:
        """Correlation of a device's deviations of the two polarities, -1 to 1."""
        return 0.0

    @property
    @abc.abstractmethod
    def low(self) -> float:
        """Lowest R_AH of either polarity."""

    @property
    @abc.abstractmethod
    def high(self) -> float:
        """Highest R_AH of either polarity."""

    @property
    def span(self) -> float:
        """Range of R_AH."""
        return self.high - self.low

    @abc.abstractmethod
    def curve(
        self, polarity: Polarity, pulses: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """Compute the R_AH that is read after pulses from the polarity's start.

        Parameters
        ----------
        polarity : Polarity
            Potentiation starts at the lowest R_AH, depression at the highest.
        pulses : array_like of float
            Number of pulses, at least 0; fractions are pulses of shorter duration.
        deviate : array_like of float
            The device's own deviation of this polarity, in standard deviations.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            R_AH in the synapse's unit; it does not change beyond the end of the range.
        """

    @abc.abstractmethod
    def pulses_to(self, polarity: Polarity, resistance: npt.ArrayLike) -> Array:
        """Return the pulses, with fractions, to an R_AH: the inverse of the mean `curve`.

        An R_AH beyond an end of the range counts as that end.
        """

    @abc.abstractmethod
    def advance(
        self,
        polarity: Polarity,
        resistance: npt.ArrayLike,
        pulses: npt.ArrayLike = 1.0,
        deviate: npt.ArrayLike = 0.0,
    ) -> Array:
        """Compute the stored R_AH after pulses from any present R_AH, without C2C.

        Parameters
        ----------
        polarity : Polarity
            Polarity of all pulses.
        resistance : array_like of float
            Present R_AH that each device stores.
        pulses : array_like of float
            Pulses of each device, at least 0. A pulse of a share of the nominal duration counts
            as that share (an assumption: the domain wall moves as long as the current flows).
        deviate : array_like of float
            Each device's own deviation of this polarity, in standard deviations.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            R_AH never leaves the polarity's range and never moves back; outside it, it stays.
        """

    @abc.abstractmethod
    def read(
        self, polarity: Polarity, resistance: npt.ArrayLike, deviate: npt.ArrayLike = 0.0
    ) -> Array:
        """Return the R_AH that is read from a stored `resistance` after a pulse of a polarity."""

    @abc.abstractmethod
    def cycle_deviation(
        self, polarity: Polarity, resistance: npt.ArrayLike, pulses: npt.ArrayLike = 1.0
    ) -> Array:
        """Return the standard deviation of `advance` over cycles; 0 for 0 pulses."""

    def written(
        self,
        polarity: Polarity,
        pulses: npt.ArrayLike,
        ends: tuple[float, float] | None = None,
    ) -> Written:
        """Compute the distribution of R_AH after writes: saturation, then trains of pulses.

        If devices' curves are not linear in their deviates, a sample of devices represents all.

        Parameters
        ----------
        polarity : Polarity
            Polarity of all pulses.
        pulses : array_like of float
            Pulses of each write. A write without pulses has the C2C of one pulse.
        ends : (float, float), optional
            R_AH at which the reader saturates, such as the ends of words. Moments of a sample of
            devices are those within these ends.

        Returns
        -------
        Written
            Distributions of the shape of `pulses`.
        """
        n = np.asarray(pulses, np.float64)
        start = self.high if polarity else self.low
        cycle = self.cycle_deviation(polarity, np.full(n.shape, start), np.maximum(n, 1))
        mean = self.curve(polarity, n)
        device = self.device_deviation(polarity, n)
        far = np.array([-FAR, FAR]).reshape(2, *[1] * n.ndim)
        bent = np.abs(self.curve(polarity, n, far) - mean - far * device)
        if bent.max(initial=0.0) <= STRAIGHT * self.span:
            return Written(Law(mean, cycle, device))
        if ends is not None:
            return Written(self._over_devices(polarity, n, cycle, ends), ends)
        # No device's curve lies beyond the outermost one, about which cycles deviate.
        reached = self.curve(polarity, n, normal_values()[[0, -1]].reshape(far.shape))
        bounds = min(self.low, float(reached.min())), max(self.high, float(reached.max()))
        law = self._over_devices(polarity, n, np.zeros(n.shape), bounds)
        return Written(law, bounds, cycle=cycle)

    def pulsed(
        self,
        polarity: Polarity,
        resistance: npt.ArrayLike,
        pulses: npt.ArrayLike,
        deviate: npt.ArrayLike = 0.0,
    ) -> Written:
        """Compute the distribution of the stored R_AH after pulses: `advance` with C2C.

        Parameters
        ----------
        polarity, resistance, pulses, deviate
            See `advance`.

        Returns
        -------
        Written
            Distributions of the shape that the arguments broadcast to; the mean includes D2D.
        """
        mean = self.advance(polarity, resistance, pulses, deviate)
        return Written(
            Law(mean, self.cycle_deviation(polarity, resistance, pulses), np.zeros_like(mean))
        )

    def draws_each_pulse(self, polarity: Polarity) -> bool:
        """Return True if each pulse has its own deviation, False if a train has one."""
        return False

    def one_train(
        self,
        polarity: Polarity,
        resistance: Array,
        pulses: npt.ArrayLike,
        deviate: npt.ArrayLike,
        rng: np.random.Generator,
    ) -> Array:
        """Draw the stored R_AH after one train each, with one C2C draw; it stays in the range.

        See `walked` for parameters and result. A kind whose pulses do not follow `advance` with a
        normal deviation overrides this method.
        """
        after = self.advance(polarity, resistance, pulses, deviate)
        deviation = self.cycle_deviation(polarity, resistance, pulses)
        if not np.any(deviation):
            return after
        after = after + deviation * rng.standard_normal(after.shape, np.float32)
        return np.clip(after, self.low, self.high, out=after)

    def walked(
        self,
        polarity: Polarity,
        resistance: Array,
        pulses: npt.ArrayLike,
        deviate: npt.ArrayLike,
        rng: np.random.Generator,
    ) -> Array:
        """Draw the stored R_AH after trains of pulses, with C2C at each pulse or at each train.

        Parameters
        ----------
        polarity : Polarity
            Polarity of all pulses.
        resistance : ndarray of float, shape (devices,)
            Present R_AH of each device.
        pulses : array_like of float, shape (devices,) or ()
            Pulses of each device; the last one may be a fraction, which is a shorter pulse.
        deviate : array_like of float, shape (devices,) or ()
            Each device's own deviation of this polarity, in standard deviations.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        ndarray of float64, shape (devices,)
            R_AH, limited to the range at every draw, since a saturated device has no memory of a
            larger one.
        """
        if not self.draws_each_pulse(polarity):
            return self.one_train(polarity, resistance, pulses, deviate, rng)
        stored = np.array(resistance, np.float64)
        left, own = np.broadcast_arrays(pulses, deviate, stored)[:2]
        left = left.astype(np.float64)
        pulsed = np.flatnonzero(left > 0)
        while pulsed.size:
            share = np.minimum(left[pulsed], 1.0)
            stored[pulsed] = self.one_train(polarity, stored[pulsed], share, own[pulsed], rng)
            left[pulsed] -= 1
            pulsed = pulsed[left[pulsed] > 0]
        return stored

    def _over_devices(
        self, polarity: Polarity, pulses: Array, cycle: Array, ends: tuple[float, float]
    ) -> Law:
        """Return the moments over a sample of devices, computed for some writes at a time."""
        deviates = normal_values()
        count = max(-(-pulses.size // AT_ONCE), 1)
        parts = []
        for some_pulses, some_cycle in zip(
            np.array_split(pulses.ravel(), count),
            np.array_split(cycle.ravel(), count),
            strict=True,
        ):
            curves = self.curve(polarity, some_pulses, deviates[:, np.newaxis])
            parts.append(over_devices(curves, some_cycle, deviates, ends))
        mean, over_cycles, between_devices = (
            np.concatenate(part).reshape(pulses.shape) for part in zip(*parts, strict=True)
        )
        return Law(mean, over_cycles, between_devices)

    def _pulses_across_range(self, polarity: Polarity) -> float:
        """Return the pulses, with fractions, from a polarity's start to its end."""
        return float(self.pulses_to(polarity, self.low if polarity else self.high))

    @cached_property
    def trains(self) -> tuple[Written, Written]:
        """Distributions after trains of whole pulses from saturation, for each polarity."""
        up, down = (
            self.written(polarity, np.arange(np.ceil(self._pulses_across_range(polarity)) + 1))
            for polarity in Polarity
        )
        return up, down

    def device_deviation(self, polarity: Polarity, pulses: npt.ArrayLike) -> Array:
        """Return the change of `curve` per standard deviation of a device, to first order."""
        small = 1e-4
        up, down = (self.curve(polarity, pulses, deviate) for deviate in (small, -small))
        return (up - down) / (2 * small)

    @property
    def devices_differ(self) -> bool:
        """True if the synapse has D2D; an unknown D2D counts as none."""
        for polarity in Polarity:
            pulses = np.linspace(0, self._pulses_across_range(polarity), 33)
            if np.any(self.device_deviation(polarity, pulses)):
                return True
        return False

    def pulses_across(self, polarity: Polarity) -> int:
        """Return the whole pulses from a polarity's start to its end, 1 to `MAX_PULSES`."""
        return int(min(max(np.ceil(self._pulses_across_range(polarity)), 1), MAX_PULSES))

    def short_curve(self, polarity: Polarity, pulses: int) -> Array:
        """Return R_AH after 0 to `pulses` pulses of a device that crosses the range in `pulses`.

        Raises
        ------
        ValueError
            If the kind has no law from which such a device follows.
        """
        raise ValueError("levels by pulses need a device with an A; a table has its own pulses")

    def figures(self, polarity: Polarity, unit: str) -> list[tuple[str, str, str]]:
        """Return name, value and unit of a polarity's measured figures; empty for a model."""
        return []

    @abc.abstractmethod
    def varied(self, c2c: float, d2d: float) -> Self:
        """Return the synapse with C2C and D2D multiplied, each by a factor of 0 or more.

        Raises
        ------
        ValueError
            If a deviation leaves its range.
        """

    @abc.abstractmethod
    def record(self) -> dict[str, Any]:
        """Return the table ``[synapse]`` of a device file, as plain values."""

    @abc.abstractmethod
    def readings(self) -> list[str]:
        """Describe each variation and its reading in one line, for reports."""
