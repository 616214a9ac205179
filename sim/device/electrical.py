"""Electrical figures of a device, from which energy and time follow."""

from dataclasses import dataclass

from allspin.sim.parameters import Parameters, number


@dataclass(frozen=True)
class Electrical(Parameters):
    """Electrical figures of a synapse's pulses and reads; an unknown figure is None.

    Parameters
    ----------
    potentiation_current, depression_current : float or None
        Magnitude of a pulse, in A.
    saturation_current : float or None
        Magnitude of the pulse that saturates the device, in A.
    pulse_time : float or None
        Duration of a pulse of nominal width, in s.
    resistance : float or None
        Resistance of the current's path, in ohm.
    read_current : float or None
        Current of a read, in A.
    read_time : float or None
        Duration of a read, in s.
    width, length : float or None
        Size of the device, in m; the current flows along the length.

    Raises
    ------
    ValueError
        If a value is negative or not a number.
    """

    potentiation_current: float | None = number(None, 0, 1e9)
    depression_current: float | None = number(None, 0, 1e9)
    saturation_current: float | None = number(None, 0, 1e9)
    pulse_time: float | None = number(None, 0, 1e9)
    resistance: float | None = number(None, 0, 1e9)
    read_current: float | None = number(None, 0, 1e9)
    read_time: float | None = number(None, 0, 1e9)
    width: float | None = number(None, 0, 1e9)
    length: float | None = number(None, 0, 1e9)

    def pulse_energy(self, current: float | None) -> float | None:
        """Return ``I^2 R t`` of a pulse of nominal width, in J; None if a figure is unknown."""
        return self._energy(current, self.pulse_time)

    @property
    def read_energy(self) -> float | None:
        """``I^2 R t`` of a read, in J; None if a figure is unknown."""
        return self._energy(self.read_current, self.read_time)

    def _energy(self, current: float | None, time: float | None) -> float | None:
        if current is None or self.resistance is None or time is None:
            return None
        return current**2 * self.resistance * time


@dataclass(frozen=True)
class NeuronElectrical(Parameters):
    """Electrical figures of a neuron's use; an unknown figure is None.

    Parameters
    ----------
    width, length : float or None
        Size of the device, in m; the current and the domain wall move along the length.
    resistance : float or None
        Resistance of the current's path, in ohm.
    current : float or None
        Mean input current, in A.
    velocity : float or None
        Velocity of the domain wall, in m/s.
    position : float or None
        Smallest distance of two distinguishable positions of the wall, in m.

    Raises
    ------
    ValueError
        If a value is negative or not a number.
    """

    width: float | None = number(None, 0, 1e9)
    length: float | None = number(None, 0, 1e9)
    resistance: float | None = number(None, 0, 1e9)
    current: float | None = number(None, 0, 1e9)
    velocity: float | None = number(None, 0, 1e9)
    position: float | None = number(None, 0, 1e9)
