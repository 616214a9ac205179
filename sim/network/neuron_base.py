"""The base class of all neurons, and the register of their kinds.

A neuron is known by one name everywhere. Its class has its parameters, its physics and its golden
model. The gateware (`allspin.hdl.neuron.neuron_kinds`) is a table, or is found by that name. A new
kind is one class under `register_neuron`; ``docs/extending.md`` has an example.

All neurons are driven by the same V-I converter, which turns a column's sum into an unsigned input
current of ``current_bits`` bits; full scale is the top of that range.
"""

import abc
import dataclasses
import re
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_number

FINE = 4097
"""Number of currents at which a response without a closed form is sampled."""
LARGEST = 1e9
"""Magnitude of a parameter without a range."""


class Knees(NamedTuple):
    """Knees of a device's response, all in fractions of full scale.

    Attributes
    ----------
    threshold : float
        Input current at which the linear part starts.
    slope : float
        Output per current on the linear part.
    saturation : float
        Output at which the linear part ends.
    """

    threshold: float
    slope: float
    saturation: float

    @property
    def end(self) -> float:
        """Input current at which the linear part ends."""
        return self.threshold + self.saturation / self.slope


class LinearPart(NamedTuple):
    """Linear part of a response, in fractions of full scale.

    Attributes
    ----------
    middle : float
        Input current at half of the largest output.
    slope : float
        Output per current at that point.
    """

    middle: float
    slope: float


@dataclass(frozen=True)
class Neuron(abc.ABC):
    """Base class of the kinds of neurons: parameters, physics and table.

    A kind is a frozen dataclass whose parameters are numbers with defaults. It defines `name` and
    `response`; everything else follows from the response unless the kind overrides it.

    Attributes
    ----------
    name : str
        Name in commands, files and tables: lower-case letters, digits and hyphens.
    title : str
        Name in pictures; the name by default.
    noun : str
        Name in messages; ``the NAME neuron`` by default.
    about : str
        One-line description for comparisons; by default the first line of the docstring.
    ranges : dict
        Lowest and highest value of each parameter by name; any number by default.
    has_table : bool
        True if the machine stores the response as a table, loaded at run time. A kind without a
        table needs gateware of its own (`allspin.hdl.neuron.neuron_kinds.register_gateware`).
    spin : bool
        True for a spin device, whose cost follows from the device file; the cost of other kinds
        follows from CMOS cells.
    rounds : bool
        True if the output is rounded to nearest; otherwise excess bits are dropped.
    start : float
        Mean input current before training, as a fraction of full scale: within the range in which
        the neuron responds and its output can still rise.

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
            # A float, so that 1 and 1.0 make the same network file.
            number = check_number(f"{noun}'s {field.name}", getattr(self, field.name), *ends)
            object.__setattr__(self, field.name, number)

    @classmethod
    def meaning(cls) -> str:
        """Return a one-line description of the kind."""
        return cls.about or (cls.__doc__ or cls.name).strip().splitlines()[0]

    @abc.abstractmethod
    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the output of one use, or the mean output if uses differ by chance.

        Parameters
        ----------
        current : array_like of float
            Input current as a fraction of full scale; with variation it may be below 0 or
            above 1.

        Returns
        -------
        ndarray of float64, the shape of `current`
            Output as a fraction of full scale, 0 to 1; it never falls as the current rises.
        """

    @property
    def noise(self) -> float:
        """Standard deviation of the kind's own noise at each use, as a share of full-scale current.

        Only a chip has this noise, as it has cycle-to-cycle variation. Without a chip the neuron's
        output is the mean, its response.
        """
        return 0.0

    def switched(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the output of one use whose current already includes the kind's noise."""
        return self.response(current)

    def table(
        self, current_bits: int, hidden_bits: int, one_use: bool = False
    ) -> npt.NDArray[np.uint8]:
        """Sample and round the response, as the gateware's table stores it.

        Parameters
        ----------
        current_bits : int
            Width of the input current; the table has ``2**current_bits`` entries.
        hidden_bits : int
            Width of an activation, 1 to 8.
        one_use : bool
            True to sample `switched`, as for a chip, instead of the mean response.

        Returns
        -------
        ndarray of uint8, shape (2**current_bits,)
            Activation at each input current, 0 to ``2**hidden_bits - 1``.
        """
        size = 2**current_bits
        top = 2**hidden_bits - 1
        output = self.switched if one_use else self.response
        # Rounding may let a flat part fall by one bit, which a plateau halfway between two
        # activations would show.
        rising = np.maximum.accumulate(output(np.arange(size) / (size - 1)))
        return np.clip(np.floor(rising * top + 0.5), 0, top).astype(np.uint8)

    def activations(
        self,
        currents: npt.NDArray[np.int64],
        table: npt.NDArray[np.uint8] | None,
        current_bits: int,
        hidden_bits: int,
    ) -> npt.NDArray[np.uint8]:
        """Compute the activations of input currents as the machine does, bit for bit.

        Parameters
        ----------
        currents : ndarray of int64
            Input currents, 0 to ``2**current_bits - 1``.
        table : ndarray of uint8, shape (2**current_bits,), or None
            Contents of the machine's table; None for a kind without a table.
        current_bits, hidden_bits : int
            Widths of an input current and of an activation.

        Returns
        -------
        ndarray of uint8, the shape of `currents`
        """
        stored = self.table(current_bits, hidden_bits) if table is None else table
        # All currents are within the table; "clip" saves the check.
        return stored.take(currents, mode="clip")

    @property
    def line(self) -> LinearPart:
        """Linear part of the response, which another kind's is matched to when it replaces it.

        Raises
        ------
        ValueError
            If the response is constant.
        """
        currents = np.linspace(0, 1, FINE)
        response = np.maximum.accumulate(self.response(currents))
        place = int(np.searchsorted(response, response[-1] / 2))
        slope = float(np.gradient(response, currents)[place])
        if slope <= 0:
            raise ValueError(f"the neuron {self.name} has the same output at all currents")
        return LinearPart(float(currents[place]), slope)

    @property
    def knees(self) -> Knees | None:
        """Knees of the response, to which the device's variation refers.

        None for a kind without knees, for which only the input current varies.
        """
        return None


SHORT = 8
"""Number of letters and digits of a neuron's name that a board's identity can store."""
NEURONS: dict[str, type[Neuron]] = {}
"""Registered kinds of neurons by name."""

Kind = TypeVar("Kind", bound=type[Neuron])


def short_name(name: str) -> str:
    """Return the name in a board's identity: the first eight letters and digits."""
    return "".join(filter(str.isalnum, name))[:SHORT]


RESPONSES = 1025
"""Number of currents at which a kind's response is checked at registration."""
ROUNDING = 1e-9
"""Tolerance, for rounding errors, of the range and slope of a response."""


def register_neuron(kind: Kind) -> Kind:
    """Register a kind of neuron under its name; a class decorator.

    Parameters
    ----------
    kind : type of Neuron
        Class to register, a frozen dataclass whose parameters all have defaults.

    Raises
    ------
    ValueError, TypeError
        If the name is malformed or a board could not tell it from another's, if a parameter has no
        default, or if the response falls or leaves the range from 0 to 1.
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
