"""The grid of a sweep: every combination of the factors' values, and the chips of each.

It comes from a TOML file or from options; ``docs/sweep.md`` has both. Values that mean the same
make one point: write-verify's tries and band do not multiply the points of other schemes.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from allspin.host.data.catalogue import open_network
from allspin.host.sweep.point import ADC_FIGURES, FIGURES, Point
from allspin.sim.device.device import TOPS
from allspin.sim.device.device import UNITS_OF_ADC_VARIATION as ADC_UNITS
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.device.retention import MAX_AGE, MAX_TEMPERATURE, MIN_TEMPERATURE
from allspin.sim.errors import UserError, check_range, not_one_of, refused
from allspin.sim.files import MAX_TOML, parse_toml, read_text
from allspin.sim.network.formats import MAX_ADC_BITS, MAX_TILE_ROWS, MIN_ADC_BITS, MIN_TILE_ROWS
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import tiles_of
from allspin.sim.programming.schemes import DEFAULT_BAND, POLARITIES, SCHEMES, default_tries

STATES = "{states}"
"""Where a network's name has it, the numbers of states are put in."""
MAX_CHIPS = 100_000
MAX_SCALE = 100.0
MAX_POINTS = 10_000
TRUE, FALSE = "yes", "no"


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise UserError(f"`{name}` must be a name, not {value!r}")
    return value


def _one_of(known: Mapping[str, str]) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise UserError(not_one_of(f"`{name}`", value, known))
        return value

    return check


def _whole(low: int, high: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        number = value
        try:
            number = int(value) if isinstance(value, str) else value
            if isinstance(number, bool):
                raise TypeError
            return check_range(name, number, low, high)
        except (TypeError, ValueError):
            raise UserError(f"`{name}` must be from {low} to {high}, not {number!r}") from None

    return check


def _real(low: float, high: float) -> Callable[[str, Any], float]:
    def check(name: str, value: Any) -> float:
        try:
            if isinstance(value, bool):
                raise TypeError
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not low <= number <= high:
            raise UserError(f"`{name}` must be a number from {low:g} to {high:g}, not {value!r}")
        return number

    return check


def _truth(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in (TRUE, FALSE):
        return value == TRUE
    raise UserError(f"`{name}` must be {TRUE} or {FALSE} (in a file true or false), not {value!r}")


def _point(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(f"`{name}` must be such as current=9mA,temperature=350, not {value!r}")
    with refused(f"{name}: "):
        return str(OperatingPoint.parse(value))


@dataclass(frozen=True)
class Factor:
    """One thing that a grid varies.

    Attributes
    ----------
    check : callable
        Makes the value of what a file or an option says, or raises `UserError`.
    default : tuple
        Its values where the grid says nothing.
    help : str
        What it is.
    separator : str
        What stands between its values in an option.
    """

    check: Callable[[str, Any], Any]
    default: tuple[Any, ...]
    help: str
    separator: str = ","


FACTORS: dict[str, Factor] = {
    "network": Factor(_text, (), f"networks; {STATES} in a name stands for each of the states"),
    "states": Factor(_whole(2, 128), (), f"numbers of states, put in for {STATES}"),
    "device": Factor(_text, ("paper",), "devices (paper)"),
    "at": Factor(
        _point, (), "operating points, such as 'current=8mA;current=9mA' (the device's)", ";"
    ),
    "temperature": Factor(
        _real(MIN_TEMPERATURE, MAX_TEMPERATURE), (), "temperatures in kelvin (the device's)"
    ),
    "c2c": Factor(_real(0, MAX_SCALE), (1.0,), "factors on the synapse's C2C (1)"),
    "d2d": Factor(_real(0, MAX_SCALE), (1.0,), "factors on the synapse's D2D (1)"),
    "neuron_d2d": Factor(_real(0, MAX_SCALE), (1.0,), "factors on the neuron's D2D (1)"),
    "neuron_c2c": Factor(_real(0, MAX_SCALE), (1.0,), "factors on the neuron's C2C (1)"),
    "age": Factor(_real(0, MAX_AGE), (), "seconds since programming (the device's)"),
    "read_noise": Factor(_real(0, 100), (), "read noise, of a cell's range (the device's)"),
    "hall_offset": Factor(_real(0, 1), (), "Hall offset, of a cell's range (the device's)"),
    "stuck": Factor(_real(0, 1), (), "shares of stuck cells (the device's)"),
    "program": Factor(_one_of(SCHEMES), ("open-loop",), f"{', '.join(SCHEMES)} (open-loop)"),
    "polarity": Factor(_one_of(POLARITIES), ("quieter",), f"{', '.join(POLARITIES)} (quieter)"),
    "tries": Factor(
        _whole(1, 1024), (), "writes of a cell for write-verify (8 up to 16 states, else 32)"
    ),
    "band": Factor(_real(1e-6, 0.5), (DEFAULT_BAND,), f"bands of write-verify ({DEFAULT_BAND:g})"),
    "calibrate": Factor(_truth, (False,), f"{TRUE}, {FALSE} or both: calibrated neurons ({FALSE})"),
    "tile_rows": Factor(
        _whole(MIN_TILE_ROWS, MAX_TILE_ROWS), (), "rows of tiles, powers of two (the network's)"
    ),
    "adc_bits": Factor(
        _whole(MIN_ADC_BITS, MAX_ADC_BITS), (), "bits of tiles' converters (the network's)"
    ),
    **{
        f"adc_{name}": Factor(_real(0, top), (), f"{ADC_UNITS[name]}, deviations (the device's)")
        for name, top in TOPS.items()
    },
}
"""Factors by name, in the table's order of columns."""
OWN = (
    *("at", "temperature", *FIGURES, "tries", "tile_rows", "adc_bits"),
    *(f"adc_{name}" for name in ADC_FIGURES),
)
"""Factors that may have no value: the device's or the network's own is taken."""


def _check_converters(point: Point, network: Network) -> None:
    """Refuse tiles that there are not, and errors of converters that a network does not have."""
    if point.tiles is not None or any(each is not None for each in tiles_of(network)):
        return
    for name in ADC_FIGURES:
        if getattr(point, f"adc_{name}"):
            raise UserError(
                f"`adc_{name}` is for converters of tiles, and {point.network} has none: give "
                "`tile_rows` and `adc_bits`"
            )


@dataclass(frozen=True)
class Grid:
    """All of a sweep that decides its numbers, and the machine.

    Parameters
    ----------
    factors : tuple of (str, tuple)
        Values of each of `FACTORS`, in its order; checked.
    chips, first : int
        How many chips, and the seed of the first; the next follow.
    images : int or None
        How many of the first test images; None for all.
    data : str or None
        Folder of IDX files, or an ``.npz`` archive; None for the MNIST that ships.
    on : str
        Machine, as of `allspin.host.machines.opening.open_machine`.

    Raises
    ------
    UserError
        If a value is outside its range.
    """

    factors: tuple[tuple[str, tuple[Any, ...]], ...]
    chips: int = 20
    first: int = 0
    images: int | None = None
    data: str | None = None
    on: str = "golden"

    def __post_init__(self) -> None:
        chips = _whole(1, MAX_CHIPS)("chips", self.chips)
        _whole(0, 2**32 - chips)("first", self.first)
        if self.images is not None:
            _whole(1, 2**32)("images", self.images)
        if self.data is not None:
            _text("data", self.data)
        _text("on", self.on)

    @property
    def seeds(self) -> range:
        """The chips."""
        return range(self.first, self.first + self.chips)

    def varied(self) -> list[str]:
        """Factors that have more than one value; without any, the network."""
        names = [name for name, values in self.factors if len(values) > 1]
        # A network of other states is another network: one axis for both.
        if "network" in names and "states" in names:
            names.remove("states")
        return names or ["network"]

    def networks(self) -> list[str]:
        """Names of the networks, with numbers of states put in."""
        values = dict(self.factors)
        names, states = values["network"], values["states"]
        if states and not any(STATES in name for name in names):
            raise UserError(
                f"states are for networks with {STATES} in their names, such as paper-{STATES}"
            )
        if not states and (bare := [name for name in names if STATES in name]):
            raise UserError(f"network {bare[0]!r} needs states, such as 10,100")
        put = [
            name.replace(STATES, str(number))
            for name in names
            for number in (states if STATES in name else (0,))
        ]
        return list(dict.fromkeys(put))

    def points(self) -> list[Point]:
        """Every point, in order, each once.

        Raises
        ------
        UserError
            If a network is not there, or the points are too many.
        """
        values = dict(self.factors)
        del values["states"]
        values["network"] = tuple(self.networks())
        values |= {name: (None,) for name in OWN if not values[name]}
        count = math.prod(len(each) for each in values.values())
        if count > MAX_POINTS:
            raise UserError(f"the grid has {count:,} points; at most {MAX_POINTS:,} are swept")
        opened: dict[str, Network] = {name: open_network(name) for name in values["network"]}
        points = []
        for combination in itertools.product(*values.values()):
            chosen = dict(zip(values, combination, strict=True))
            network = opened[chosen["network"]]
            if chosen["program"] != "write-verify":
                chosen["tries"] = chosen["band"] = None
            elif chosen["tries"] is None:
                chosen["tries"] = default_tries(network)
            states = max(len(layer.levels) for layer in network.layers)
            points.append(Point(states=states, **chosen))
            _check_converters(points[-1], network)
        return list(dict.fromkeys(points))

    def to_dict(self) -> dict[str, Any]:
        """As plain values, as a grid file has them."""
        plain = {name: list(values) for name, values in self.factors}
        rest = {name: value for name, value in asdict(self).items() if name != "factors"}
        return {**plain, **rest}


SETTINGS = tuple(field.name for field in fields(Grid) if field.name != "factors")
"""What a grid has besides its factors."""


def make_grid(entries: Mapping[str, Any]) -> Grid:
    """Check what a file or the options say.

    Parameters
    ----------
    entries : mapping
        Of `FACTORS` a value or a list of values each, and of `SETTINGS` a value.

    Raises
    ------
    UserError
        If a key is not known, a value is not legal or no network is named.
    """
    known = [*FACTORS, *SETTINGS]
    for key in entries:
        if key not in known:
            raise UserError(f"a grid has no {key!r}; it has {', '.join(known)}")
    factors = []
    for name, factor in FACTORS.items():
        given = entries.get(name, factor.default)
        listed = list(given) if isinstance(given, list | tuple) else [given]
        if name in entries and not listed and factor.default:
            raise UserError(f"`{name}` has no value; give one, or leave it out")
        values = (factor.check(name, value) for value in listed)
        factors.append((name, tuple(dict.fromkeys(values))))
    if not dict(factors)["network"]:
        raise UserError("a sweep needs networks: network = [...] in the file, or `network`")
    settings = {name: entries[name] for name in SETTINGS if name in entries}
    return Grid(factors=tuple(factors), **settings)


def read_grid(path: Path) -> dict[str, Any]:
    """What a grid file says, not checked yet.

    Raises
    ------
    UserError
        If there is no such file, or it is not TOML.
    """
    text = read_text(path, "grid", MAX_TOML)
    with refused(f"the grid {path} is not TOML: "):
        return parse_toml(text)
