"""Points of a grid: a value of each factor, and the device, tiles and scheme that they give."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.sweep.factor import (
    Factor,
    check_operating_point,
    check_truth,
    factor,
    figure,
    model_check,
    number_check,
    scale,
    word_check,
)
from allspin.sim.device.adc_variation import UNITS_OF_ADC_VARIATION as ADC_UNITS, AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.device.retention import MAX_TEMPERATURE, MIN_TEMPERATURE
from allspin.sim.errors import UserError, refused
from allspin.sim.network.adc import MAX_ADC_BITS, MAX_TILE_ROWS, MIN_ADC_BITS, MIN_TILE_ROWS
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles
from allspin.sim.parameters import Brief
from allspin.sim.programming.schemes import (
    DEFAULT_BAND,
    MAX_TRIES,
    POLARITIES,
    SCHEMES,
    Programming,
    default_tries,
)
from allspin.sim.synapse.sot_synapse import paper_model
from allspin.sim.synapse.synapse import Synapse

SCALES = ("c2c", "d2d", "neuron_d2d", "neuron_c2c")
"""Factors that multiply the device's variation."""
IMPERFECTIONS = ("age", "read_noise", "hall_offset", "stuck")
"""Factors that replace figures of the device's imperfections."""
ADC_FACTORS = {f"adc_{name}": name for name in ADC_UNITS}
"""Factors that replace figures of the ADCs of tiles, with the names of the figures."""


@dataclass(frozen=True)
class Point(Brief):
    """Values of all factors, from which chips are made and programmed.

    Attributes
    ----------
    network : str
        Name or file of the network; for chips that learn, its hidden widths.
    states : int
        States of a synapse.
    device : str
        Name or file of the device.
    at : str or None
        Operating point of the device; None for its own.
    temperature : float or None
        Temperature in kelvin; None for the device's.
    c2c, d2d, neuron_d2d, neuron_c2c : float
        Factors on the variation of synapses and neurons.
    age : float or None
        Seconds since programming; None for the device's.
    read_noise, hall_offset, stuck : float or None
        Imperfections, the first two as a fraction of a cell's range, the third as a share of the
        cells; None for the device's.
    program, polarity : str
        Scheme and polarity of programming.
    tries : int or None
        Writes of a cell that the scheme may take; None for schemes that do not read cells.
    band : float or None
        Band of the scheme; None for schemes that do not read cells.
    calibrate : bool
        True to calibrate the thresholds of neurons.
    tile_rows, adc_bits : int or None
        Rows of a tile and bits of its ADC; None for the network's.
    adc_offset, adc_gain, adc_noise : float or None
        Deviations of the ADCs of tiles; None for the device's.
    nonlinearity : float
        Factor on P_max / A of the synapse.
    """

    network: str = factor(model_check(open_network), "network")
    states: int = factor(number_check(2, 128, int), "states of a synapse")
    device: str = factor(model_check(open_device), "device", "paper")
    at: str | None = factor(check_operating_point, "operating point")
    temperature: float | None = factor(
        number_check(MIN_TEMPERATURE, MAX_TEMPERATURE), "temperature (K)"
    )
    c2c: float = scale("synapse's C2C")
    d2d: float = scale("synapse's D2D")
    neuron_d2d: float = scale("neuron's D2D")
    neuron_c2c: float = scale("neuron's C2C")
    age: float | None = figure(Imperfections, "age", "age (s)")
    read_noise: float | None = figure(Imperfections, "read_noise", "read noise, of a cell's range")
    hall_offset: float | None = figure(
        Imperfections, "hall_offset", "Hall offset, of a cell's range"
    )
    stuck: float | None = figure(Imperfections, "stuck", "stuck cells")
    program: str = factor(word_check(SCHEMES), "programmed", "open-loop")
    polarity: str = factor(word_check(POLARITIES), "polarity", "quieter")
    tries: int | None = factor(number_check(1, MAX_TRIES, int), "tries of write-verify")
    band: float | None = factor(number_check(1e-6, 0.5), "band of write-verify", DEFAULT_BAND)
    calibrate: bool = factor(check_truth, "neurons calibrated", False)
    tile_rows: int | None = factor(
        number_check(MIN_TILE_ROWS, MAX_TILE_ROWS, int), "rows of a tile"
    )
    adc_bits: int | None = factor(
        number_check(MIN_ADC_BITS, MAX_ADC_BITS, int), "bits of a tile's converter"
    )
    adc_offset: float | None = figure(AdcVariation, "offset", "offset of tiles' converters (LSB)")
    adc_gain: float | None = figure(AdcVariation, "gain", "gain errors of tiles' converters")
    adc_noise: float | None = figure(AdcVariation, "noise", "noise of tiles' converters (LSB)")
    nonlinearity: float = scale("nonlinearity P_max / A")

    @property
    def tiles(self) -> Tiles | None:
        """Tiles that the network is cut into; None for its own.

        Raises
        ------
        UserError
            If only one of `tile_rows` and `adc_bits` is given, or one is outside its range.
        """
        if self.tile_rows is None and self.adc_bits is None:
            return None
        if self.tile_rows is None:
            raise UserError("`adc_bits` needs `tile_rows`")
        if self.adc_bits is None:
            raise UserError("`tile_rows` needs `adc_bits`")
        with refused():
            return Tiles(self.tile_rows, self.adc_bits)

    def operating_point(self) -> OperatingPoint | None:
        """Return the operating point of the device; None for its own.

        Raises
        ------
        UserError
            If `at` and `temperature` both give a temperature.
        """
        point = None if self.at is None else OperatingPoint.parse(self.at)
        if self.temperature is None:
            return point
        if point is not None and point.temperature is not None:
            raise UserError(f"at {self.at} has a temperature already; leave out one of the two")
        given = {} if point is None else point.given()
        with refused():
            return OperatingPoint(temperature=self.temperature).within(given)

    def vary(self, device: Device, states: int | None = None) -> Device:
        """Return a device with this point's variation and imperfections.

        Parameters
        ----------
        device : Device
            The device.
        states : int, optional
            New number of states, with one pulse less (its own).

        Raises
        ------
        UserError
            If a figure leaves its range, or the device does not age.
        """
        scaled = self._scale(device, states)
        imperfections = replace(scaled.imperfections, **self._given(IMPERFECTIONS))
        self._check_age(imperfections)
        adc = {ADC_FACTORS[name]: value for name, value in self._given(ADC_FACTORS).items()}
        return replace(scaled, adc=replace(scaled.adc, **adc), imperfections=imperfections)

    def _scale(self, device: Device, states: int | None) -> Device:
        """Multiply the device's variation and nonlinearity, and set its states."""
        scales = self._given(SCALES)
        told = ", ".join(f"{name} {value:g}" for name, value in scales.items())
        advice = "; these are factors on the device's own figures"
        with refused(f"{self.device} with {told}: ", advice):
            scaled = scale_variation(device, **scales)
            if states is None and self.nonlinearity == 1:
                return scaled
            synapse = scale_nonlinearity(scaled.synapse, self.nonlinearity, states)
            return replace(scaled, synapse=synapse)

    def _given(self, names: Any) -> dict[str, Any]:
        """Return some factors by name, without those that are None."""
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def _check_age(self, imperfections: Imperfections) -> None:
        """Refuse an age that changes nothing."""
        ages = imperfections.drifts or imperfections.decays
        if self._given(IMPERFECTIONS) and imperfections.age and not ages:
            raise UserError(
                f"{self.device} does not age: it has neither drift nor retention; leave out age"
            )

    def programming(self, network: Network) -> Programming:
        """Return the scheme of the chips, and its settings.

        Raises
        ------
        UserError
            If a value is outside its range.
        """
        tries = default_tries(network) if self.tries is None else self.tries
        band = DEFAULT_BAND if self.band is None else self.band
        with refused():
            return Programming(self.program, self.polarity, tries, band)


FACTORS: dict[str, Factor] = {each.name: each.metadata["factor"] for each in fields(Point)}
"""Factors by name, in the order of the table's columns."""


def scale_variation(
    device: Device, c2c: float, d2d: float, neuron_d2d: float, neuron_c2c: float
) -> Device:
    """Multiply the variation of a device; its imperfections stay the same.

    Parameters
    ----------
    device : Device
        The device.
    c2c, d2d : float
        Factors on C2C and D2D of the synapse, 0 or more.
    neuron_d2d : float
        Factor on the neuron's D2D of gain and threshold.
    neuron_c2c : float
        Factor on the neuron's C2C.

    Raises
    ------
    ValueError
        If a deviation leaves its range.
    """
    neuron = device.neuron_variation
    varied = replace(
        neuron,
        gain=neuron.gain * neuron_d2d,
        threshold=neuron.threshold * neuron_d2d,
        use=neuron.use * neuron_c2c,
    )
    return replace(device, synapse=device.synapse.varied(c2c, d2d), neuron_variation=varied)


def scale_nonlinearity(synapse: Synapse, scale: float, states: int | None) -> Synapse:
    """Multiply P_max / A of a synapse, and set its number of states.

    Parameters
    ----------
    synapse : Synapse
        The synapse; its response is of the paper's kind.
    scale : float
        Factor on P_max / A; 0 for equal steps.
    states : int or None
        New number of states, with one pulse less; None for the synapse's own.

    Raises
    ------
    UserError
        If the response is of another kind.
    """
    model = paper_model(synapse)
    if model is None:
        raise UserError("it has no A, which `nonlinearity` and `states` are for")
    responses = {}
    for name in ("potentiation", "depression"):
        response: Any = getattr(model, name)
        pulses = response.pulses if states is None else states - 1
        a = math.inf
        if scale:
            a = response.nonlinearity / scale * (pulses / response.pulses)
        responses[name] = replace(response, nonlinearity=a, pulses=pulses)
    return replace(model, **responses, states=states or model.states)
