"""One point of a sweep: what its chips are made of and how they are programmed."""

import dataclasses
from dataclasses import dataclass

from allspin.host.data.catalogue import operating_point
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, refused
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles
from allspin.sim.programming.schemes import DEFAULT_BAND, Programming, default_tries


@dataclass(frozen=True)
class Point:
    """Values of all factors.

    Parameters
    ----------
    network : str
        Name or file.
    states : int
        States of its synapses.
    device : str
        Name or file of what the chips are made of.
    at : str or None
        Operating point, as `allspin.sim.device.operating_point.OperatingPoint.parse` reads it; None
        for the device's own.
    temperature : float or None
        In kelvin; None for that of `at`, or the device's own.
    c2c, d2d : float
        What the synapse's C2C and D2D are multiplied by.
    neuron_d2d, neuron_c2c : float
        The same for the neuron: D2D of gain and threshold, and C2C.
    age : float or None
        Seconds since programming; here and below None is the device's own figure.
    read_noise, hall_offset : float or None
        As of `allspin.sim.device.device.Imperfections`.
    stuck : float or None
        Share of the cells that are stuck where the device's are.
    program : str
        One of `allspin.sim.programming.schemes.SCHEMES`.
    polarity : str
        One of `allspin.sim.programming.schemes.POLARITIES`.
    tries : int or None
        Writes of a cell that write-verify may take; None for the other schemes.
    band : float or None
        Band of write-verify; None for the other schemes.
    calibrate : bool
        Whether the thresholds of the neurons are calibrated.
    tile_rows, adc_bits : int or None
        What the network's columns are cut into, both or neither; None for its own.
    adc_offset, adc_gain, adc_noise : float or None
        As of `allspin.sim.device.device.AdcVariation`; None for the device's own.
    """

    network: str
    states: int
    device: str
    at: str | None
    temperature: float | None
    c2c: float
    d2d: float
    neuron_d2d: float
    neuron_c2c: float
    age: float | None
    read_noise: float | None
    hall_offset: float | None
    stuck: float | None
    program: str
    polarity: str
    tries: int | None
    band: float | None
    calibrate: bool
    tile_rows: int | None = None
    adc_bits: int | None = None
    adc_offset: float | None = None
    adc_gain: float | None = None
    adc_noise: float | None = None

    @property
    def tiles(self) -> Tiles | None:
        """What the network's columns are cut into; None for its own.

        Raises
        ------
        UserError
            If there are no such tiles.
        """
        with refused():
            return Tiles.asked(self.tile_rows, self.adc_bits)

    def taken_at(self) -> OperatingPoint | None:
        """Where the device is taken; None for its own point.

        Raises
        ------
        UserError
            If that is no point, or has two temperatures.
        """
        point = operating_point(self.at)
        if self.temperature is None:
            return point
        if point is not None and point.temperature is not None:
            raise UserError(f"at {self.at} has a temperature already; leave out one of the two")
        with refused():
            return OperatingPoint(temperature=self.temperature).within(
                {} if point is None else point.given()
            )

    def made_of(self, device: Device) -> Device:
        """The device with its variations multiplied, and other imperfections.

        Raises
        ------
        UserError
            If one of them leaves its range, or an age does nothing.
        """
        try:
            varied = scaled(device, self.c2c, self.d2d, self.neuron_d2d, self.neuron_c2c)
        except ValueError as error:
            raise UserError(
                f"{self.device} with c2c {self.c2c:g}, d2d {self.d2d:g}, neuron_d2d "
                f"{self.neuron_d2d:g}, neuron_c2c {self.neuron_c2c:g}: {error}; "
                "these are factors on the device's own figures"
            ) from error
        adc = {name: getattr(self, f"adc_{name}") for name in ADC_FIGURES}
        adc = {name: value for name, value in adc.items() if value is not None}
        varied = dataclasses.replace(varied, adc=dataclasses.replace(varied.adc, **adc))
        own = {name: getattr(self, name) for name in FIGURES}
        own = {name: value for name, value in own.items() if value is not None}
        if not own:
            return varied
        with refused(f"{self.device}: "):
            wrong = dataclasses.replace(varied.imperfections, **own)
        if wrong.age and not (wrong.drifts or wrong.decays):
            raise UserError(
                f"{self.device} does not age: it has neither drift nor retention; leave out age"
            )
        return dataclasses.replace(varied, imperfections=wrong)

    def programming(self, network: Network) -> Programming:
        """How the chips are programmed.

        Raises
        ------
        UserError
            If a value is outside its range.
        """
        with refused():
            return Programming(
                self.program,
                self.polarity,
                default_tries(network) if self.tries is None else self.tries,
                DEFAULT_BAND if self.band is None else self.band,
            )


FIGURES = ("age", "read_noise", "hall_offset", "stuck")
"""Factors that are the device's imperfections themselves, in place of its own."""
ADC_FIGURES = ("offset", "gain", "noise")
"""The same of the converters of tiles; the factors' names begin with ``adc_``."""
FACTOR_COLUMNS = tuple(field.name for field in dataclasses.fields(Point))
"""The factors that a point has a value of."""


def scaled(device: Device, c2c: float, d2d: float, neuron_d2d: float, neuron_c2c: float) -> Device:
    """A device with its variations multiplied; its imperfections stay as they are.

    Parameters
    ----------
    device : Device
        The device.
    c2c, d2d : float
        Factors on the synapse's cycle-to-cycle and device-to-device variation, 0 or more.
    neuron_d2d, neuron_c2c : float
        Factors on the neuron's: gain and threshold, and use.

    Raises
    ------
    ValueError
        If a deviation leaves its range.
    """
    neuron = device.neuron_variation
    return dataclasses.replace(
        device,
        synapse=device.synapse.varied(c2c, d2d),
        neuron_variation=dataclasses.replace(
            neuron,
            gain=neuron.gain * neuron_d2d,
            threshold=neuron.threshold * neuron_d2d,
            use=neuron.use * neuron_c2c,
        ),
    )
