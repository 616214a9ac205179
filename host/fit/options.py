"""What the user may ask of a fit; what is not asked for the data say."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from allspin.host.fit.columns import Curve, Measurement
from allspin.host.fit.goodness import METHODS
from allspin.host.fit.neuron import select
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError, check_range, not_one_of
from allspin.sim.network.formats import MAX_STATES, MIN_STATES
from allspin.sim.network.neuron import neuron_to_dict
from allspin.sim.synapse.response import Polarity, Response
from allspin.sim.synapse.synapse import SotSynapse
from allspin.sim.synapse.table_synapse import TableResponse

REFERENCES = ("column", "ideal")
"""A column of devices, with their C2C and D2D, or something without."""


@dataclass(frozen=True)
class FitOptions:
    """How curves are fitted; None lets the data decide.

    Parameters
    ----------
    name : str
        The device's name: a line of text.
    states : int or None
        States of the synapse, 2 to 128; None for as many as pulses, at most 128.
    occasion : str or None
        Reading of C2C: ``write``, ``pulse`` or, of a model, ``root``.
    reading : str or None
        Reading of D2D: one of `allspin.host.fit.spread.DEVICE_CHOICES`.
    currents : tuple of float or None
        Part of the neuron's curve, from a magnitude of at least 0 to a higher one, in mA; in the
        file's numbers if it names no unit.
    table : bool
        Whether the synapse is to be the measured table in place of the model.
    keep_outliers : bool
        Whether outliers are fitted like any other points.
    reference : str
        Reference that is subtracted from a conductance: one of `REFERENCES`.
    meter : str or None
        How the meter's noise is measured: one of `allspin.host.fit.goodness.METHODS`.

    Raises
    ------
    ValueError
        If one of them makes no sense; the message begins with its name.
    """

    name: str
    states: int | None = None
    occasion: str | None = None
    reading: str | None = None
    currents: tuple[float, float] | None = None
    table: bool = False
    keep_outliers: bool = False
    meter: str | None = None
    reference: str = "column"

    def __post_init__(self) -> None:
        if self.states is not None:
            check_range("states", self.states, MIN_STATES, MAX_STATES)
        if self.currents is not None and not 0 <= self.currents[0] < self.currents[1] < math.inf:
            raise ValueError("currents takes a lower and a higher magnitude, such as 2 12")
        if self.table and self.occasion == "root":
            raise ValueError(
                "occasion must be write or pulse of a measured table, whose deviations add up as "
                "they were measured, not root"
            )
        if self.meter not in (None, *METHODS):
            raise ValueError(not_one_of("meter", self.meter, METHODS))
        if self.reference not in REFERENCES:
            raise ValueError(f"reference must be {' or '.join(REFERENCES)}, not {self.reference}")
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError("name must be a word or line of text")

    def select(self, measurement: Measurement) -> list[Curve]:
        """The part of a neuron's curves that is fitted; none where there are none.

        Raises
        ------
        UserError
            If too few points are left.
        """
        curves = measurement.of(None)
        if not curves:
            return []
        currents = None
        if self.currents is not None:
            factor = 1e-3 if measurement.current_unit == "A" else 1.0
            currents = (self.currents[0] * factor, self.currents[1] * factor)
        return select(curves, currents)


# What a base device lends where nothing was measured: one polarity, or all but the synapse.
#
# A polarity is lent as shares of the range, and the range is the measured one: both polarities are
# of one film.


def _model(base: Device, polarity: Polarity) -> SotSynapse:
    model = base.synapse.paper_model
    if model is None:
        raise UserError(
            f"the synapse of {base.name} is a table and lends no model of "
            f"{polarity.name.lower()}; take --table, or another --base"
        )
    return model


def lent_response(base: Device, polarity: Polarity, low: float, high: float) -> Response:
    """The base's response of a polarity, between the ends of another range.

    Raises
    ------
    UserError
        If the base has no model of the paper's kind.
    """
    response: Any = _model(base, polarity).response(polarity)
    return dataclasses.replace(response, low=low, high=high)


def lent_cycles(base: Device, polarity: Polarity) -> tuple[float, str]:
    """C2C of the base's polarity, as a share of the range, and its occasion.

    Raises
    ------
    UserError
        If it is no share of the range.
    """
    synapse = _model(base, polarity)
    if synapse.c2c.reading == "increment":
        raise UserError(
            f"the C2C of {base.name} is a share of each change, and the measured one of the "
            "range; take another --base"
        )
    steps = synapse.states - 1 if synapse.c2c.reading == "step" else 1
    return synapse.c2c[polarity] / steps, synapse.c2c.occasion


def lent_devices(base: Device, polarity: Polarity) -> tuple[float, str]:
    """D2D of the base's polarity, and its reading."""
    synapse = _model(base, polarity)
    if synapse.d2d.reading == "step":
        return synapse.d2d[polarity] / (synapse.states - 1), "range"
    return synapse.d2d[polarity], synapse.d2d.reading


def lent_table(base: Device, polarity: Polarity, low: float, high: float) -> TableResponse:
    """What pulses of a polarity do to the base, on another range: mean and deviations."""
    synapse = base.synapse
    scale = (high - low) / synapse.span
    end = synapse.low if polarity else synapse.high
    pulses = np.arange(round(float(synapse.pulses_to(polarity, end))) + 1)
    law = synapse.written(polarity, pulses).law
    return TableResponse(
        low + (law.mean - synapse.low) * scale, law.cycle * scale, np.abs(law.device) * scale
    )


def with_reference(device: Device, options: FitOptions) -> Device:
    """A device of a conductance, with the deviation of the reference column that it needs.

    Its cells are held in the middle of the range, by the polarity that deviates less there.
    """
    if device.unit != "siemens" or options.reference == "ideal":
        return device
    synapse = device.synapse
    middle = (synapse.low + synapse.high) / 2
    found = []
    for polarity in Polarity:
        law = synapse.written(polarity, synapse.pulses_to(polarity, middle)).law
        found.append(float(np.hypot(law.cycle, law.device)))
    reference = min(min(found) / synapse.span, 1.0)
    wrong = dataclasses.replace(device.imperfections, reference=reference)
    return dataclasses.replace(device, imperfections=wrong)


def with_rest(device: Device, base: Device) -> Device:
    """A device with all but the synapse of the base."""
    return dataclasses.replace(
        device,
        neuron=base.neuron,
        neuron_variation=base.neuron_variation,
        imperfections=base.imperfections,
        electrical=base.electrical,
        neuron_electrical=base.neuron_electrical,
    )


def _plain(part: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(part).items() if value is not None}


def lent_rest(base: Device, neuron: bool) -> list[str]:
    """Keys of a device file that `with_rest` takes from the base, the neuron's or without them."""
    keys = keys_of(_plain(base.electrical), "synapse.electrical")
    if neuron:
        keys += keys_of(neuron_to_dict(base.neuron), "neuron")
        keys += keys_of(_plain(base.neuron_variation), "neuron.variation")
    keys += keys_of(_plain(base.neuron_electrical), "neuron.electrical")
    wrong = {
        key: value
        for key, value in vars(base.imperfections).items()
        if value not in (0, "either", None)
    }
    if base.imperfections.retention is not None:
        wrong["retention"] = vars(base.imperfections.retention)
    return keys + keys_of(wrong, "imperfections")


def keys_of(part: Any, name: str) -> list[str]:
    """Every key of a part of a device file, with the tables that it is in."""
    if not isinstance(part, dict):
        return [name]
    return [key for one, value in part.items() for key in keys_of(value, f"{name}.{one}")]
