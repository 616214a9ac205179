"""The kinds of neurons that ship: SOT, stochastic, ideal ReLU and three CMOS neurons."""

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import UnknownKind
from allspin.sim.network.neuron_base import NEURONS, Knees, LinearPart, Neuron, register_neuron


@register_neuron
@dataclass(frozen=True)
class SotNeuron(Neuron):
    """The SOT neuron: R_AH against current is a ReLU that saturates.

    Below the threshold the magnetisation does not switch and R_AH is flat. Above it, R_AH
    follows the current linearly (Fig. 4c of the paper) until the device is saturated.
    Both knees are rounded by the same softness::

        r(i) = slope * softness * (softplus((i - threshold) / softness)
                                   - softplus((i - end) / softness)),
        end  = threshold + saturation / slope

    Parameters
    ----------
    threshold : float
        Input current at which switching starts, as a fraction of the input's full scale,
        0 to 0.9.
    slope : float
        R_AH per current on the linear part, both as fractions of full scale, 0.1 to 20.
    softness : float
        Width of either knee in current, as a fraction of full scale, 0.001 to 1.
    saturation : float
        R_AH of the saturated device, as a fraction of the output's full scale,
        0.1 to 1.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """

    threshold: float = 0.1
    slope: float = 1.25
    softness: float = 0.05
    saturation: float = 1.0

    name: ClassVar[str] = "sot"
    title: ClassVar[str] = "SOT-ReLU"
    noun: ClassVar[str] = "the SOT neuron"
    spin: ClassVar[bool] = True

    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "threshold": (0.0, 0.9),
        "slope": (0.1, 20.0),
        "softness": (0.001, 1.0),
        "saturation": (0.1, 1.0),
    }

    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute R_AH after one use that started from reset.

        Parameters
        ----------
        current : array_like of float
            Input current as a fraction of full scale; a negative current leaves the
            device as it was reset.

        Returns
        -------
        ndarray of float64, the shape of `current`
            R_AH above its value at zero current, as a fraction of full scale.
        """
        drive = np.maximum(np.asarray(current, dtype=np.float64), 0.0)

        def softplus(x: npt.NDArray[np.float64], knee: float) -> npt.NDArray[np.float64]:
            return np.logaddexp(0.0, (x - knee) / self.softness)

        def switched(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            rise = softplus(x, self.threshold) - softplus(x, self.knees.end)
            return self.slope * self.softness * rise

        return switched(drive) - switched(np.zeros(()))

    @property
    def knees(self) -> Knees:
        """Threshold, slope and saturation of the device."""
        return Knees(self.threshold, self.slope, self.saturation)

    @property
    def line(self) -> LinearPart:
        """See `Neuron.line`."""
        return LinearPart(self.threshold + self.saturation / self.slope / 2, self.slope)


@dataclass(frozen=True)
class _Ramp(Neuron):
    """A neuron computed by logic: 0 below a threshold, then a line, then full scale.

    Attributes
    ----------
    threshold : float
        Input current at which the line starts, as a fraction of full scale; a multiple of 1/16.
    slope : float
        Output per current, both as fractions of full scale; an integer.
    """

    threshold: ClassVar[float]
    slope: ClassVar[float]
    has_table: ClassVar[bool] = False

    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the output, with input and output as fractions of full scale."""
        return np.clip(self.slope * (np.asarray(current, np.float64) - self.threshold), 0.0, 1.0)

    def table(
        self, current_bits: int, hidden_bits: int, one_use: bool = False
    ) -> npt.NDArray[np.uint8]:
        """See `Neuron.table`; the gateware has no table, and its logic gives the same values."""
        return self.activations(np.arange(2**current_bits), None, current_bits, hidden_bits)

    def activations(
        self,
        currents: npt.NDArray[np.int64],
        table: npt.NDArray[np.uint8] | None,
        current_bits: int,
        hidden_bits: int,
    ) -> npt.NDArray[np.uint8]:
        """See `Neuron.activations`."""
        drop = current_bits - hidden_bits
        above = currents - int(self.threshold * 2**current_bits)
        half = (1 << drop) >> 1 if self.rounds else 0
        steps = (int(self.slope) * above + half) >> drop
        return np.clip(steps, 0, 2**hidden_bits - 1).astype(np.uint8)

    @property
    def line(self) -> LinearPart:
        """See `Neuron.line`."""
        return LinearPart(self.threshold + 0.5 / self.slope, self.slope)


@register_neuron
@dataclass(frozen=True)
class ReluNeuron(_Ramp):
    """The ideal ReLU in the machine's number format: rounded, then clamped.

    The activation is the input current's ``hidden_bits`` most significant bits, rounded
    to nearest and clamped at full scale. It needs no table.
    """

    name: ClassVar[str] = "relu"
    title: ClassVar[str] = "ReLU"
    about: ClassVar[str] = "an ideal ReLU, rounded, registered"
    threshold: ClassVar[float] = 0.0
    slope: ClassVar[float] = 1.0


@register_neuron
@dataclass(frozen=True)
class CmosBareNeuron(_Ramp):
    """The bare CMOS gate whose area the paper seems to give: the sign masks the other bits.

    The input current is a signed number about the middle of its range (offset binary), so a
    set most significant bit means that it is not negative. If it is set, the bits below pass,
    without the lowest ones. The gate has no register, no sum and no saturation; the V-I
    converter limits the current to full scale.
    """

    name: ClassVar[str] = "cmos-bare"
    about: ClassVar[str] = "a bare 4-bit gate: a sign masks the bits"
    threshold: ClassVar[float] = 0.5
    slope: ClassVar[float] = 2.0
    rounds: ClassVar[bool] = False
    start: ClassVar[float] = 0.5  # half of the neurons respond; below, none would


@register_neuron
@dataclass(frozen=True)
class CmosReluNeuron(_Ramp):
    """A registered digital ReLU: an accumulator, a threshold and saturation.

    The accumulator starts an eighth of full scale below zero and adds the current. Twice the
    result is clamped between 0 and full scale, and the lowest bits are dropped.
    """

    name: ClassVar[str] = "cmos-relu"
    about: ClassVar[str] = "a registered ReLU with accumulator, threshold and saturation"
    threshold: ClassVar[float] = 0.125
    slope: ClassVar[float] = 2.0
    rounds: ClassVar[bool] = False


@register_neuron
@dataclass(frozen=True)
class CmosSigmoidNeuron(Neuron):
    """A sigmoid in a table: ``1 / (1 + exp(-steepness * (current - 1 / 2)))``.

    Parameters
    ----------
    steepness : float
        Four times the slope in the middle, both axes as fractions of full scale, 4 to 40.

    Raises
    ------
    ValueError
        If it is outside its range.
    """

    steepness: float = 10.0

    name: ClassVar[str] = "cmos-sigmoid"
    noun: ClassVar[str] = "the sigmoid"
    about: ClassVar[str] = "a sigmoid by a table of logic, registered"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"steepness": (4, 40)}

    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the output, with input and output as fractions of full scale."""
        return 1 / (1 + np.exp(-self.steepness * (np.asarray(current, np.float64) - 0.5)))

    @property
    def line(self) -> LinearPart:
        """See `Neuron.line`."""
        return LinearPart(0.5, self.steepness / 4)


@register_neuron
@dataclass(frozen=True)
class StochasticNeuron(Neuron):
    """A device that switches completely or not at all, with a probability that rises with current.

    Each use starts from reset. Thermal agitation acts as noise in the current, so at a current i
    the device switches with probability ``P(i) = Phi((i - middle) / sigma)``, where Phi is the
    normal distribution function. The output of one use is 0 or full scale.

    Parameters
    ----------
    middle : float
        Current at which half of the uses switch, as a fraction of full scale, 0.02 to 0.98.
    sigma : float
        Standard deviation of the noise in current, as a fraction of full scale, 0.001 to 1.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """

    middle: float = 0.5
    sigma: float = 0.1

    name: ClassVar[str] = "stochastic"
    about: ClassVar[str] = "a film that switches by chance, as the mean of many uses"
    spin: ClassVar[bool] = True
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "middle": (0.02, 0.98),
        "sigma": (0.001, 1.0),
    }

    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the share of the uses that switch, which is the mean output."""
        z = (self.middle - np.asarray(current, np.float64)) / (self.sigma * math.sqrt(2))
        return np.vectorize(math.erfc, otypes=[np.float64])(z) / 2

    @property
    def start(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """See `Neuron.start`; a sixth of the uses switch."""
        return max(self.middle - self.sigma, 0.0)

    @property
    def noise(self) -> float:
        """See `Neuron.noise`."""
        return self.sigma

    def switched(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return full scale from the middle on, and 0 below."""
        return (np.asarray(current, np.float64) >= self.middle).astype(np.float64)

    @property
    def line(self) -> LinearPart:
        """See `Neuron.line`."""
        return LinearPart(self.middle, 1 / (self.sigma * math.sqrt(2 * math.pi)))


def neuron_to_dict(neuron: Neuron) -> dict[str, object]:
    """Return the name and parameters of a neuron as a JSON object."""
    return {"name": neuron.name, **dataclasses.asdict(neuron)}


def neuron_from_dict(record: object) -> Neuron:
    """Return the neuron that `neuron_to_dict` described.

    Raises
    ------
    UnknownKind
        If the record names a neuron that is not registered.
    ValueError
        If the record is not an object, or has parameters that the neuron does not have.
    """
    if not isinstance(record, dict):
        raise ValueError(f"a neuron must be an object with a name, not {record!r}")
    parameters = dict(record)
    name = parameters.pop("name", None)
    if not isinstance(name, str) or name not in NEURONS:
        raise UnknownKind.named("neuron", NEURONS, name)
    known = {field.name for field in dataclasses.fields(NEURONS[name])}
    for key in sorted(parameters.keys() - known):
        raise ValueError(f"neuron {name} has no parameter {key!r}")
    return NEURONS[name](**parameters)
