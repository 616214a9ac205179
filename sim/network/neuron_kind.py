"""What every kind of neuron offers: the one class to write for a new one."""

import abc
import dataclasses
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

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
    def linear(self) -> float:
        """Current from the lower knee to the upper one."""
        return self.saturation / self.slope

    @property
    def end(self) -> float:
        """Input current at which the straight part ends."""
        return self.threshold + self.linear


class Line(NamedTuple):
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
        gateware of its own (`allspin.hdl.neuron.neuron.register_gateware`).
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
        for field in dataclasses.fields(self):
            low, high = self.ranges.get(field.name, (-LARGEST, LARGEST))
            value = getattr(self, field.name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (number and low <= value <= high):
                noun = self.noun or f"the {self.name} neuron"
                raise ValueError(
                    f"{noun}'s {field.name} must be from {low} to {high}, not {value!r}"
                )
            # As a float, so that 1 and 1.0 make the same network file.
            object.__setattr__(self, field.name, float(value))

    @classmethod
    def meaning(cls) -> str:
        """What is meant by the kind, in a line."""
        return cls.about or (cls.__doc__ or cls.name).strip().splitlines()[0]

    @abc.abstractmethod
    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Output of one use.

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

    def table(self, current_bits: int, hidden_bits: int) -> npt.NDArray[np.uint8]:
        """The response, sampled and rounded: what the gateware's table holds.

        Parameters
        ----------
        current_bits : int
            Width of the input current; the table has ``2**current_bits`` entries.
        hidden_bits : int
            Width of an activation, 1 to 8.

        Returns
        -------
        ndarray of uint8, shape (2**current_bits,)
            Activation at each input current, 0 to ``2**hidden_bits - 1``.
        """
        size, top = 2**current_bits, 2**hidden_bits - 1
        # On a flat part the last bit may fall: at a plateau half way between two activations
        # that would show.
        rising = np.maximum.accumulate(self.response(np.arange(size) / (size - 1)))
        return np.clip(np.floor(rising * top + 0.5), 0, top).astype(np.uint8)

    def activations(
        self,
        currents: npt.NDArray[np.integer],
        table: npt.NDArray[np.uint8] | None,
        current_bits: int,
        hidden_bits: int,
    ) -> npt.NDArray[np.uint8]:
        """The golden model: what the machine makes of input currents, to the last bit.

        Parameters
        ----------
        currents : ndarray of int64
            Input currents, 0 to ``2**current_bits - 1``; where they are only looked up, as
            here, int32 too.
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
    def line(self) -> Line:
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
        return Line(float(currents[place]), slope)

    @property
    def knees(self) -> Knees | None:
        """Where a device bends, which the readings of its variation are fractions of.

        None where there are no such knees: then all that varies is the input current.
        """
        return None
