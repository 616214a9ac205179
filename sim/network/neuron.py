"""Neurons: the device's response, and what the machine keeps of it.

A neuron is known by one name everywhere. Its class holds its parameters, its physics and its
golden model (`allspin.sim.network.neuron.Neuron` says what each offers). The gateware
(`allspin.hdl.neuron.neuron`) is a table's, or is found by that name. A kind more is one class
under `register_neuron`; ``docs/extending.md`` has one.

All of them are driven by the same V-I converter, which turns a column's sum into an
unsigned input current of ``current_bits`` bits, full scale being the top of the range.
"""

import abc
import dataclasses
import math
import re
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import UnknownKind, check_number

# What every kind of neuron offers: the one class to write for a new one.

FINE = 4097
"""Currents at which a response is looked at where it has no formula for what is asked."""
LARGEST = 1e9
"""Magnitude of a parameter without a range."""


class Knees(NamedTuple):
    """Where a device's response bends; all three in fractions of full scale.

    Attributes
    ----------
    threshold : float
        Input current at which the straight part starts.
    slope : float
        Output per current on it.
    saturation : float
        Output where it ends.
    """

    threshold: float
    slope: float
    saturation: float

    @property
    def end(self) -> float:
        """Input current at which the straight part ends."""
        return self.threshold + self.saturation / self.slope


class StraightPart(NamedTuple):
    """A response's straight part, in fractions of full scale.

    Attributes
    ----------
    middle : float
        Input current of half of the most that the neuron answers.
    slope : float
        Output per current there.
    """

    middle: float
    slope: float


@dataclass(frozen=True)
class Neuron(abc.ABC):
    """A kind of neuron: its parameters, its physics, and what the machine keeps of it.

    A kind is a frozen dataclass whose parameters are numbers and have defaults. It defines `name`
    and `response`; all else follows from the response unless the kind says otherwise.

    Attributes
    ----------
    name : str
        What it is called everywhere: small letters, digits and hyphens.
    title : str
        What pictures call it; the name by default.
    noun : str
        What messages call it; ``the NAME neuron`` by default.
    about : str
        What is meant by it, in a comparison's words; the first line of its docstring by default.
    ranges : dict
        Lowest and highest value of its parameters, by name; any number by default.
    has_table : bool
        Whether the machine keeps a table of it, which is loaded at run time. One without needs
        gateware of its own (`allspin.hdl.neuron.neuron_kinds.register_gateware`).
    spin : bool
        Whether it is a spin device, priced by the device file; others are priced in CMOS cells.
    rounds : bool
        Whether its output is rounded to nearest; else what does not fit is dropped.
    start : float
        Mean of its input currents before training, as a fraction of full scale: where it
        answers, and can answer more.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    noun: ClassVar[str] = ""
    about: ClassVar[str] = ""
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}
    has_table: ClassVar[bool] = True
    spin: ClassVar[bool] = False
    rounds: ClassVar[bool] = True
    start: ClassVar[float] = 0.15

    def __post_init__(self) -> None:
        noun = self.noun or f"the {self.name} neuron"
        for field in dataclasses.fields(self):
            ends = self.ranges.get(field.name, (-LARGEST, LARGEST))
            # As a float, so that 1 and 1.0 make the same network file.
            number = check_number(f"{noun}'s {field.name}", getattr(self, field.name), *ends)
            object.__setattr__(self, field.name, number)

    @classmethod
    def meaning(cls) -> str:
        """What is meant by the kind, in a line."""
        return cls.about or (cls.__doc__ or cls.name).strip().splitlines()[0]

    @abc.abstractmethod
    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Output of one use, or the mean of many where uses differ by chance alone.

        Parameters
        ----------
        current : array_like of float
            Input current as a fraction of full scale; with variation it may be below 0 or
            above 1.

        Returns
        -------
        ndarray of float64, the shape of `current`
            As a fraction of full scale, 0 to 1, never falling.
        """

    @property
    def noise(self) -> float:
        """Standard deviation of the kind's own noise at each use, of the current's full scale.

        Only a chip has it, as it has cycle-to-cycle variation; without a chip the neuron answers
        the mean, its response.
        """
        return 0.0

    def switched(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Output of one use whose current has its noise already; as `response` otherwise."""
        return self.response(current)

    def table(
        self, current_bits: int, hidden_bits: int, one_use: bool = False
    ) -> npt.NDArray[np.uint8]:
        """The response, sampled and rounded: what the gateware's table holds.

        Parameters
        ----------
        current_bits : int
            Width of the input current; the table has ``2**current_bits`` entries.
        hidden_bits : int
            Width of an activation, 1 to 8.
        one_use : bool
            Whether it is of `switched`, as a chip's is, in place of the mean.

        Returns
        -------
        ndarray of uint8, shape (2**current_bits,)
            Activation at each input current, 0 to ``2**hidden_bits - 1``.
        """
        size, top = 2**current_bits, 2**hidden_bits - 1
        # On a flat part the last bit may fall: at a plateau half way between two activations
        # that would show.
        answer = self.switched if one_use else self.response
        rising = np.maximum.accumulate(answer(np.arange(size) / (size - 1)))
        return np.clip(np.floor(rising * top + 0.5), 0, top).astype(np.uint8)

    def activations(
        self,
        currents: npt.NDArray[np.int64],
        table: npt.NDArray[np.uint8] | None,
        current_bits: int,
        hidden_bits: int,
    ) -> npt.NDArray[np.uint8]:
        """The golden model: what the machine makes of input currents, to the last bit.

        Parameters
        ----------
        currents : ndarray of int64
            Input currents, 0 to ``2**current_bits - 1``.
        table : ndarray of uint8, shape (2**current_bits,), or None
            What the machine's table holds; None for a kind without.
        current_bits, hidden_bits : int
            Width of an input current and of an activation.

        Returns
        -------
        ndarray of uint8, the shape of `currents`
        """
        found = self.table(current_bits, hidden_bits) if table is None else table
        return found.take(currents, mode="clip")  # none is outside, and none is checked

    @property
    def line(self) -> StraightPart:
        """Its straight part, on which another kind's is laid where one replaces the other.

        Raises
        ------
        ValueError
            If it answers no current.
        """
        currents = np.linspace(0, 1, FINE)
        response = np.maximum.accumulate(self.response(currents))
        place = int(np.searchsorted(response, response[-1] / 2))
        slope = float(np.gradient(response, currents)[place])
        if slope <= 0:
            raise ValueError(f"the neuron {self.name} answers no current, or all alike")
        return StraightPart(float(currents[place]), slope)

    @property
    def knees(self) -> Knees | None:
        """Where a device bends, which the readings of its variation are fractions of.

        None where there are no such knees: then all that varies is the input current.
        """
        return None


SHORT = 8
"""Letters and digits of a neuron's name that a board's identity has room for."""
NEURONS: dict[str, type[Neuron]] = {}
"""Every kind of neuron by its name."""

Kind = TypeVar("Kind", bound=type[Neuron])


def short_name(name: str) -> str:
    """What a board says of its neuron: the name's letters and digits, the first eight."""
    return "".join(filter(str.isalnum, name))[:SHORT]


RESPONSES = 1025
"""Currents at which a kind's response is looked at as it is registered."""
ROUNDING = 1e-9
"""By how much a response may fall or leave its range where numbers are rounded."""


def register_neuron(kind: Kind) -> Kind:
    """Make a kind of neuron known by its name; a decorator.

    Parameters
    ----------
    kind : type of Neuron
        The class, a frozen dataclass all of whose parameters have defaults.

    Raises
    ------
    ValueError, TypeError
        If its name is not one, or a board could not tell it from another's; if a parameter has no
        default, or its response leaves 0 to 1 or falls.
    """
    name = kind.name
    if not re.fullmatch("[a-z][a-z0-9-]*", name):
        raise ValueError(f"a neuron's name must be small letters, digits and -, not {name!r}")
    for other in NEURONS:
        if short_name(other) == short_name(name):
            raise ValueError(
                f"neurons must differ in the first {SHORT} letters and digits of their names, "
                f"which {name} and {other} do not"
            )
    response = cast("type[Neuron]", kind)().response(np.linspace(0, 1, RESPONSES))
    if not np.all((response >= -ROUNDING) & (response <= 1 + ROUNDING)):
        raise ValueError(
            f"the {name} neuron's response must be from 0 to 1 at currents from 0 to 1, "
            f"not from {np.min(response):g} to {np.max(response):g}"
        )
    if np.any(np.diff(response) < -ROUNDING):
        raise ValueError(f"the {name} neuron's response must not fall as the current rises")
    NEURONS[name] = kind
    return kind


@register_neuron
@dataclass(frozen=True)
class SotNeuron(Neuron):
    """The SOT neuron: R_AH against current is a ReLU that saturates.

    Below the threshold the magnetisation does not switch and R_AH is flat; then it
    follows the current linearly (Fig. 4c of the paper) until the film is saturated.
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
        R_AH of the film saturated, as a fraction of the output's full scale,
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
        """R_AH read after one use that started from reset.

        Parameters
        ----------
        current : array_like of float
            Input current as a fraction of full scale; a negative current leaves the
            device as it was reset.

        Returns
        -------
        ndarray of float64, the shape of `current`
            R_AH above its value at no current, as a fraction of full scale.
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
        """Where switching starts, and where the film is saturated."""
        return Knees(self.threshold, self.slope, self.saturation)

    @property
    def line(self) -> StraightPart:
        """See `Neuron.line`."""
        return StraightPart(self.threshold + self.saturation / self.slope / 2, self.slope)


@dataclass(frozen=True)
class _Ramp(Neuron):
    """A neuron of logic alone: nothing below a threshold, then a straight line, then full scale.

    Attributes
    ----------
    threshold : float
        Input current at which the line starts, as a fraction of full scale: whole in sixteenths.
    slope : float
        Output per current, both as fractions of full scale: a whole number.
    """

    threshold: ClassVar[float]
    slope: ClassVar[float]
    has_table: ClassVar[bool] = False

    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Output against input, both as fractions of full scale."""
        return np.clip(self.slope * (np.asarray(current, np.float64) - self.threshold), 0.0, 1.0)

    def table(
        self, current_bits: int, hidden_bits: int, one_use: bool = False
    ) -> npt.NDArray[np.uint8]:
        """See `Neuron.table`; there is none in the gateware, whose logic gives the same."""
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
    def line(self) -> StraightPart:
        """See `Neuron.line`."""
        return StraightPart(self.threshold + 0.5 / self.slope, self.slope)


@register_neuron
@dataclass(frozen=True)
class ReluNeuron(_Ramp):
    """The ideal ReLU with the machine's number format: rounded, then clamped.

    The activation is the input current's ``hidden_bits`` most significant bits, rounded
    to nearest and held at full scale. It needs no table.
    """

    name: ClassVar[str] = "relu"
    title: ClassVar[str] = "ReLU"
    about: ClassVar[str] = "an ideal ReLU, rounded, registered"
    threshold: ClassVar[float] = 0.0
    slope: ClassVar[float] = 1.0


@register_neuron
@dataclass(frozen=True)
class CmosBareNeuron(_Ramp):
    """The bare CMOS gate that the paper seems to price: a sign masks the other bits.

    The input current is read as a signed number about the middle of its range (offset
    binary), so its most significant bit says that it is not negative; the bits below pass,
    the lowest ones dropped, where it is set. There is no register, no sum and no saturation
    of its own: the V-I converter holds the current at full scale.
    """

    name: ClassVar[str] = "cmos-bare"
    about: ClassVar[str] = "a bare 4-bit gate: a sign masks the bits"
    threshold: ClassVar[float] = 0.5
    slope: ClassVar[float] = 2.0
    rounds: ClassVar[bool] = False
    start: ClassVar[float] = 0.5  # half of them answer; all would be silent below


@register_neuron
@dataclass(frozen=True)
class CmosReluNeuron(_Ramp):
    """A registered digital ReLU: an accumulator, a threshold and saturation.

    The accumulator starts an eighth of full scale below zero, adds the current, and twice
    what comes of it is held between nothing and full scale; the lowest bits are dropped.
    """

    name: ClassVar[str] = "cmos-relu"
    about: ClassVar[str] = "a registered ReLU with accumulator, threshold and saturation"
    threshold: ClassVar[float] = 0.125
    slope: ClassVar[float] = 2.0
    rounds: ClassVar[bool] = False


@register_neuron
@dataclass(frozen=True)
class CmosSigmoidNeuron(Neuron):
    """A sigmoid, looked up: ``1 / (1 + exp(-steepness * (current - 1 / 2)))``.

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
        """Output against input, both as fractions of full scale."""
        return 1 / (1 + np.exp(-self.steepness * (np.asarray(current, np.float64) - 0.5)))

    @property
    def line(self) -> StraightPart:
        """See `Neuron.line`."""
        return StraightPart(0.5, self.steepness / 4)


@register_neuron
@dataclass(frozen=True)
class StochasticNeuron(Neuron):
    """A film that switches whole or not at all, by chance: the more current, the more often.

    Each use starts from reset. Thermal agitation is noise in the current, so that of many uses at
    a current i a share ``P(i) = Phi((i - middle) / sigma)`` switches, Phi being the normal
    distribution function. One use answers all or nothing.

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
        """Share of the uses that switch, which is the mean output."""
        z = (self.middle - np.asarray(current, np.float64)) / (self.sigma * math.sqrt(2))
        return np.vectorize(math.erfc, otypes=[np.float64])(z) / 2

    @property
    def start(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """See `Neuron.start`: a sixth of the uses switch."""
        return max(self.middle - self.sigma, 0.0)

    @property
    def noise(self) -> float:
        """See `Neuron.noise`."""
        return self.sigma

    def switched(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """All from the middle on, nothing below."""
        return (np.asarray(current, np.float64) >= self.middle).astype(np.float64)

    @property
    def line(self) -> StraightPart:
        """See `Neuron.line`."""
        return StraightPart(self.middle, 1 / (self.sigma * math.sqrt(2 * math.pi)))


def neuron_to_dict(neuron: Neuron) -> dict[str, object]:
    """Name and parameters of a neuron, as JSON has them."""
    return {"name": neuron.name, **dataclasses.asdict(neuron)}


def neuron_from_dict(record: object) -> Neuron:
    """The neuron that `neuron_to_dict` described.

    Raises
    ------
    UnknownKind
        If it names a neuron that nobody registered.
    ValueError
        If the record is not an object, or has parameters that the neuron does not take.
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
