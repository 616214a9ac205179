"""The grid of a sweep: every combination of the factors' values, and the chips of each.

It comes from a TOML file or from options; ``docs/sweep.md`` has both. Values that mean the same
make one point: write-verify's tries and band do not multiply the points of other schemes.
"""

import inspect
import itertools
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from allspin.host.data.catalogue import (
    Held,
    open_device,
    open_network,
    operating_point,
    several,
)
from allspin.sim.device.adc_variation import UNITS_OF_ADC_VARIATION as ADC_UNITS, AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.device.retention import MAX_TEMPERATURE, MIN_TEMPERATURE
from allspin.sim.errors import UserError, not_one_of, refused
from allspin.sim.files import read_text
from allspin.sim.network.adc import MAX_ADC_BITS, MAX_TILE_ROWS, MIN_ADC_BITS, MIN_TILE_ROWS
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, tiles_of
from allspin.sim.parameters import Brief, Parameters, described
from allspin.sim.plain_values import MAX_TOML, parse_toml
from allspin.sim.programming.schemes import (
    DEFAULT_BAND,
    MAX_TRIES,
    POLARITIES,
    SCHEMES,
    VERIFYING,
    Programming,
    default_tries,
)
from allspin.sim.synapse.sot_synapse import paper_model
from allspin.sim.synapse.synapse import Synapse

STATES = "{states}"
"""Where a network's name has it, the numbers of states are put in."""
MAX_CHIPS = 100_000
MAX_SCALE = 100.0
MAX_POINTS = 10_000
TRUE, FALSE = "yes", "no"

Check = Callable[[str, Any], Any]
"""Makes a value of what a file or an option says of a name, or raises `UserError`."""


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise UserError(f"`{name}` must be a name, not {value!r}")
    return value


def _model(opened: Callable[[Any], Network | Device]) -> Check:
    return lambda name, value: (
        Held.of(opened(value))
        if hasattr(value, "save")
        else _text(name, str(value) if isinstance(value, Path) else value)
    )


def _one_of(known: Mapping[str, str]) -> Check:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise UserError(not_one_of(f"`{name}`", value, known))
        return value

    return check


def _number(low: float, high: float, kind: type[int] | type[float] = float) -> Check:
    def check(name: str, value: Any) -> float:
        if isinstance(value, str):
            with suppress(ValueError):
                value = kind(value)
        if isinstance(value, int | kind) and not isinstance(value, bool) and low <= value <= high:
            return kind(value)
        bounds = f"from {low} to {high}" if kind is int else f"a number from {low:g} to {high:g}"
        raise UserError(f"`{name}` must be {bounds}, not {value!r}")

    return check


def _truth(name: str, value: Any) -> bool:
    if value in (TRUE, FALSE):
        return value == TRUE
    if not isinstance(value, bool):
        raise UserError(
            f"`{name}` must be {TRUE} or {FALSE} (in a file true or false), not {value!r}"
        )
    return value


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
        Of its values.
    default : tuple
        Its values where the grid says nothing; without any, the device's or the network's own.
    title : str
        What pictures call it.
    help : str
        What it is.
    """

    check: Check
    default: tuple[Any, ...]
    title: str
    help: str


def _factor(check: Check, title: str, about: str, *default: Any) -> Any:
    return field(metadata={"factor": Factor(check, default, title, about)})


def _figure(kind: type[Parameters], name: str, title: str, about: str) -> Any:
    """A factor that takes the place of a figure of the device, within its range."""
    bounds = described(kind)[name].metadata
    return _factor(_number(bounds["low"], bounds["high"]), title, f"{about} (the device's)")


def _scale(what: str) -> Any:
    check = _number(0, MAX_SCALE)
    return _factor(check, f"{what}, times the device's", f"factors on the {what} (1)", 1.0)


FIGURES = ("age", "read_noise", "hall_offset", "stuck")
"""Factors that are the device's imperfections themselves, in place of its own."""
ADC = "adc_"
"""How the names of factors begin that are the same of the converters of tiles."""


@dataclass(frozen=True)
class Point(Brief):
    """Values of all factors: what chips are made of, and how they are programmed.

    None stands for the device's own, or the network's own tiles; `tries` and `band` are None
    for schemes that do not read.
    """

    network: str = _factor(
        _model(open_network),
        "network",
        f"networks; {STATES} in a name stands for each of the states",
    )
    states: int = _factor(
        _number(2, 128, int), "states of a synapse", f"numbers of states, put in for {STATES}"
    )
    device: str = _factor(_model(open_device), "device", "devices (paper)", "paper")
    at: str | None = _factor(
        _point,
        "operating point",
        "operating points, such as current=9mA,temperature=350 (the device's)",
    )
    temperature: float | None = _factor(
        _number(MIN_TEMPERATURE, MAX_TEMPERATURE),
        "temperature (K)",
        "temperatures in kelvin (the device's)",
    )
    c2c: float = _scale("synapse's C2C")
    d2d: float = _scale("synapse's D2D")
    neuron_d2d: float = _scale("neuron's D2D")
    neuron_c2c: float = _scale("neuron's C2C")
    age: float | None = _figure(Imperfections, "age", "age (s)", "seconds since programming")
    read_noise: float | None = _figure(
        Imperfections,
        "read_noise",
        "read noise, of a cell's range",
        "read noise, of a cell's range",
    )
    hall_offset: float | None = _figure(
        Imperfections,
        "hall_offset",
        "Hall offset, of a cell's range",
        "Hall offset, of a cell's range",
    )
    stuck: float | None = _figure(Imperfections, "stuck", "stuck cells", "shares of stuck cells")
    program: str = _factor(
        _one_of(SCHEMES), "programmed", f"{', '.join(SCHEMES)} (open-loop)", "open-loop"
    )
    polarity: str = _factor(
        _one_of(POLARITIES), "polarity", f"{', '.join(POLARITIES)} (quieter)", "quieter"
    )
    tries: int | None = _factor(
        _number(1, MAX_TRIES, int),
        "tries of write-verify",
        "writes of a cell for write-verify (8 up to 16 states, else 32)",
    )
    band: float | None = _factor(
        _number(1e-6, 0.5),
        "band of write-verify",
        f"bands of write-verify ({DEFAULT_BAND:g})",
        DEFAULT_BAND,
    )
    calibrate: bool = _factor(
        _truth,
        "neurons calibrated",
        f"{TRUE}, {FALSE} or both: calibrated neurons ({FALSE})",
        False,
    )
    tile_rows: int | None = _factor(
        _number(MIN_TILE_ROWS, MAX_TILE_ROWS, int),
        "rows of a tile",
        "rows of tiles, powers of two (the network's)",
    )
    adc_bits: int | None = _factor(
        _number(MIN_ADC_BITS, MAX_ADC_BITS, int),
        "bits of a tile's converter",
        "bits of tiles' converters (the network's)",
    )
    adc_offset: float | None = _figure(
        AdcVariation,
        "offset",
        "offset of tiles' converters (LSB)",
        f"{ADC_UNITS['offset']}, deviations",
    )
    adc_gain: float | None = _figure(
        AdcVariation, "gain", "gain errors of tiles' converters", f"{ADC_UNITS['gain']}, deviations"
    )
    adc_noise: float | None = _figure(
        AdcVariation,
        "noise",
        "noise of tiles' converters (LSB)",
        f"{ADC_UNITS['noise']}, deviations",
    )
    nonlinearity: float = _scale("nonlinearity P_max / A")

    @property
    def tiles(self) -> Tiles | None:
        """What the network's columns are cut into; None for its own.

        Raises
        ------
        UserError
            If there are no such tiles.
        """
        if self.tile_rows is None and self.adc_bits is None:
            return None
        if self.tile_rows is None:
            raise UserError("`adc_bits` needs `tile_rows`")
        if self.adc_bits is None:
            raise UserError("`tile_rows` needs `adc_bits`")
        with refused():
            return Tiles(self.tile_rows, self.adc_bits)

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
            own = {} if point is None else point.given()
            return OperatingPoint(temperature=self.temperature).within(own)

    def made_of(self, device: Device, states: int | None = None) -> Device:
        """The device with its variations multiplied, and other imperfections.

        Parameters
        ----------
        device : Device
            The device.
        states : int, optional
            States that it gets, and as many pulses; its own.

        Raises
        ------
        UserError
            If one of them leaves its range, or an age does nothing.
        """
        own = {name: value for name, value in vars(self).items() if value is not None}
        factors = {name: own[name] for name in ("c2c", "d2d", "neuron_d2d", "neuron_c2c")}
        said = ", ".join(f"{name} {value:g}" for name, value in factors.items())
        advice = "; these are factors on the device's own figures"
        with refused(f"{self.device} with {said}: ", advice):
            varied = scaled(device, **factors)
            if states is not None or self.nonlinearity != 1:
                varied = replace(varied, synapse=bent(varied.synapse, self.nonlinearity, states))
        adc = {name: own[ADC + name] for name in ADC_UNITS if ADC + name in own}
        figures = {name: own[name] for name in FIGURES if name in own}
        wrong = replace(varied.imperfections, **figures)
        if figures and wrong.age and not (wrong.drifts or wrong.decays):
            raise UserError(
                f"{self.device} does not age: it has neither drift nor retention; leave out age"
            )
        return replace(varied, adc=replace(varied.adc, **adc), imperfections=wrong)

    def programming(self, network: Network) -> Programming:
        """How the chips are programmed.

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
"""Factors by name, in the table's order of columns."""


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
    varied = replace(
        neuron,
        gain=neuron.gain * neuron_d2d,
        threshold=neuron.threshold * neuron_d2d,
        use=neuron.use * neuron_c2c,
    )
    return replace(device, synapse=device.synapse.varied(c2c, d2d), neuron_variation=varied)


def bent(synapse: Synapse, factor: float, states: int | None) -> Synapse:
    """A synapse with its P_max / A multiplied, and with other states and as many pulses, if any.

    Raises
    ------
    UserError
        If its response is not of the paper's kind.
    """
    model = paper_model(synapse)
    if model is None:
        raise UserError("it has no A, which `nonlinearity` and `states` are for")
    responses = {}
    for name in ("potentiation", "depression"):
        law: Any = getattr(model, name)
        pulses = law.pulses if states is None else states - 1
        a = law.nonlinearity / factor * (pulses / law.pulses) if factor else math.inf
        responses[name] = replace(law, nonlinearity=a, pulses=pulses)
    return replace(model, **responses, states=states or model.states)


LEARNT = {"network", "states", "device", "at", "temperature", "c2c", "d2d", "neuron_d2d"}
LEARNT |= {"neuron_c2c", "read_noise", "stuck", "nonlinearity"}
"""Factors of what learns in the array; its network is named by its hidden widths."""


@dataclass(frozen=True)
class Grid(Brief):
    """All of a sweep that decides its numbers, and the machine.

    Parameters
    ----------
    factors : dict of str to tuple
        Values of each of `FACTORS`, in its order; checked.
    chips, first : int
        How many chips, and the seed of the first; the next follow.
    images : int or None
        How many of the first test images; None for all.
    data : str or None
        Folder of IDX files, or an ``.npz`` archive; None for the MNIST that ships.
    on : str
        Machine, as of `allspin.host.machines.opening.open_machine`.
    learn : bool or dict
        Whether each chip learns in the array, and options of ``train`` with which it does; else
        it is programmed.

    Raises
    ------
    UserError
        If a value is outside its range.
    """

    factors: dict[str, tuple[Any, ...]]
    chips: int = 20
    first: int = 0
    images: int | None = None
    data: str | None = None
    on: str = "golden"
    learn: Any = False

    def __post_init__(self) -> None:
        if self.learn:
            self._check_learning()
        chips = _number(1, MAX_CHIPS, int)("chips", self.chips)
        _number(0, 2**32 - chips, int)("first", self.first)
        if self.images is not None:
            _number(1, 2**32, int)("images", self.images)
        if self.data is not None:
            _text("data", self.data)
        _text("on", self.on)

    def _check_learning(self) -> None:
        if self.on != "golden" or not isinstance(self.learn, bool | Mapping):
            raise UserError("`learn` must be true or options of train, and `on` be golden")
        for name, values in self.factors.items():
            if name not in LEARNT and values != FACTORS[name].default:
                raise UserError(f"`{name}` is for chips that are programmed, not for `learn`")
        for name in self.factors["network"]:
            if not all(word.strip().isdecimal() for word in name.split(",")):
                raise UserError(f"with `learn` a network is hidden widths such as 100, not {name}")

    @property
    def seeds(self) -> range:
        """The chips."""
        return range(self.first, self.first + self.chips)

    def varied(self) -> list[str]:
        """Factors that have more than one value; without any, the network."""
        names = [name for name, values in self.factors.items() if len(values) > 1]
        # A network of other states is another network: one axis for both.
        if "network" in names and "states" in names:
            names.remove("states")
        return names or ["network"]

    def networks(self) -> list[str]:
        """Names of the networks, with numbers of states put in."""
        names, states = self.factors["network"], self.factors["states"]
        bare = [name for name in names if STATES in name]
        if states and not bare:
            raise UserError(
                f"states are for networks with {STATES} in their names, such as paper-{STATES}"
            )
        if bare and not states:
            raise UserError(f"network {bare[0]!r} needs states, such as 10,100")
        put = [
            name.replace(STATES, str(number)) if STATES in name else name
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
        values: dict[str, tuple[Any, ...]] = {
            name: each or (None,) for name, each in self.factors.items() if name != "states"
        }
        if self.learn:
            values |= {"states": self.factors["states"] or (None,), "band": (None,)}
        else:
            values["network"] = tuple(self.networks())
        count = math.prod(len(each) for each in values.values())
        if count > MAX_POINTS:
            raise UserError(f"the grid has {count:,} points; at most {MAX_POINTS:,} are swept")
        each: list[dict[str, Any]] = [
            dict(zip(values, one, strict=True)) for one in itertools.product(*values.values())
        ]
        if self.learn:
            return [Point(**one) for one in each]
        opened = {name: open_network(name) for name in values["network"]}
        points = []
        for chosen in each:
            network = opened[chosen["network"]]
            if chosen["program"] not in VERIFYING:
                chosen["tries"] = chosen["band"] = None
            elif chosen["tries"] is None:
                chosen["tries"] = default_tries(network)
            point = Point(states=max(len(layer.levels) for layer in network.layers), **chosen)
            tiled = point.tiles is not None or any(tiles_of(network))
            for name in ADC_UNITS:
                if chosen[ADC + name] and not tiled:
                    raise UserError(
                        f"`{ADC}{name}` is for converters of tiles, and {point.network} has none: "
                        "give `tile_rows` and `adc_bits`"
                    )
            points.append(point)
        return list(dict.fromkeys(points))

    def to_dict(self) -> dict[str, Any]:
        """As plain values, as a grid file has them."""
        plain = {name: list(values) for name, values in self.factors.items()}
        return {**plain, **{name: getattr(self, name) for name in SETTINGS}}


SETTINGS = tuple(each.name for each in fields(Grid) if each.name != "factors")
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
    factors = {}
    for name, factor in FACTORS.items():
        given = entries.get(name, factor.default)
        listed = given.tolist() if isinstance(given, np.ndarray) else several(given)
        if factor.default and not listed:
            raise UserError(f"`{name}` has no value; give one, or leave it out")
        factors[name] = tuple(dict.fromkeys(factor.check(name, value) for value in listed))
    if entries.get("learn") and not factors["network"]:
        factors["network"] = ("100",)
    if not factors["network"]:
        raise UserError("a sweep needs networks: network = [...] in the file, or `network`")
    return Grid(factors, **{name: entries[name] for name in SETTINGS if name in entries})


def grid_of(grid: Any = None, chip: int | None = None, **entries: Any) -> dict[str, Any]:
    """What a grid says, not checked yet: a mapping, a file or networks, and more by name.

    `chip`, as ``allspin sweep`` has it, is the file's ``first``.
    """
    if not isinstance(grid, Mapping):
        named = {} if grid is None else {"network": grid}
        grid = read_grid(Path(str(grid))) if str(grid).endswith(".toml") else named
    return {**grid, **({} if chip is None else {"first": chip}), **entries}


grid_of.__signature__ = inspect.Signature(
    [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY)
        for name in (*FACTORS, *SETTINGS, "chip")
    ]
)


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
