"""Grids: all combinations of the factors' values, and the chips that each of them has.

A grid comes from a TOML file or from options; ``docs/sweep.md`` describes both. Combinations that
mean the same are one point: tries and band of write-verify do not multiply the points of other
schemes.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from allspin.host.data.catalogue import open_network, several
from allspin.host.sweep.factor import check_name, number_check
from allspin.host.sweep.point import ADC_FACTORS, FACTORS, Point
from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_text
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import tiles_of
from allspin.sim.parameters import Brief
from allspin.sim.plain_values import MAX_TOML, parse_toml
from allspin.sim.programming.schemes import VERIFYING, default_tries

STATES = "{states}"
"""Part of a network's name that stands for each number of states."""
MAX_CHIPS = 100_000
MAX_POINTS = 10_000
HIDDEN_WIDTHS = "100"
"""Hidden widths of chips that learn, unless the grid gives others."""
LEARNING_FACTORS = {
    "network",
    "states",
    "device",
    "at",
    "temperature",
    "c2c",
    "d2d",
    "neuron_d2d",
    "neuron_c2c",
    "read_noise",
    "stuck",
    "nonlinearity",
}
"""Factors of chips that learn in the array."""


@dataclass(frozen=True)
class Grid(Brief):
    """Factors, chips, test images and machine of a sweep.

    Parameters
    ----------
    factors : dict of str to tuple
        Checked values of each of `FACTORS`, in its order.
    chips : int
        Number of chips at each point.
    first : int
        Seed of the first chip; the next follow.
    images : int or None
        Number of test images, the first ones; None for all.
    data : str or None
        Folder of IDX files, or an ``.npz`` archive; None for the MNIST that ships.
    on : str
        Machine, as of `allspin.host.machines.opening.open_machine`.
    learn : bool or dict
        True, or options of learning, if each chip learns in the array; False if it is programmed.

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
        chips = number_check(1, MAX_CHIPS, int)("chips", self.chips)
        number_check(0, 2**32 - chips, int)("first", self.first)
        if self.images is not None:
            number_check(1, 2**32, int)("images", self.images)
        if self.data is not None:
            check_name("data", self.data)
        check_name("on", self.on)

    def _check_learning(self) -> None:
        """Refuse factors and settings that chips which learn do not have."""
        if self.on != "golden" or not isinstance(self.learn, bool | Mapping):
            raise UserError("`learn` must be true or options of train, and `on` be golden")
        for name, values in self.factors.items():
            if name not in LEARNING_FACTORS and values != FACTORS[name].default:
                raise UserError(f"`{name}` is for chips that are programmed, not for `learn`")
        for name in self.factors["network"]:
            if not all(word.strip().isdecimal() for word in name.split(",")):
                raise UserError(f"with `learn` a network is hidden widths such as 100, not {name}")

    @property
    def seeds(self) -> range:
        """Seeds of the chips."""
        return range(self.first, self.first + self.chips)

    def varied(self) -> list[str]:
        """Return the factors with more than one value; if all have one, the network."""
        names = [name for name, values in self.factors.items() if len(values) > 1]
        # A network of other states is another network: one axis for both.
        if "network" in names and "states" in names:
            names.remove("states")
        return names or ["network"]

    def networks(self) -> list[str]:
        """Return the names of the networks, with numbers of states in place of `STATES`.

        Raises
        ------
        UserError
            If the names and the numbers of states do not go together.
        """
        names = self.factors["network"]
        states = self.factors["states"]
        patterns = [name for name in names if STATES in name]
        if states and not patterns:
            raise UserError(
                f"states are for networks with {STATES} in their names, such as paper-{STATES}"
            )
        if patterns and not states:
            raise UserError(f"network {patterns[0]!r} needs states, such as 10,100")
        networks: list[str] = []
        for name in names:
            if STATES in name:
                networks += [name.replace(STATES, str(number)) for number in states]
            else:
                networks.append(name)
        return list(dict.fromkeys(networks))

    def points(self) -> list[Point]:
        """Return all points in order, each once.

        Raises
        ------
        UserError
            If a network cannot be opened, or the grid has more than `MAX_POINTS` points.
        """
        values = self._values()
        count = math.prod(map(len, values.values()))
        if count > MAX_POINTS:
            raise UserError(f"the grid has {count:,} points; at most {MAX_POINTS:,} are swept")
        combinations: list[dict[str, Any]] = [
            dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
        ]
        if self.learn:
            return [Point(**chosen) for chosen in combinations]
        networks = {name: open_network(name) for name in values["network"]}
        points = [_programmed(chosen, networks[chosen["network"]]) for chosen in combinations]
        return list(dict.fromkeys(points))

    def _values(self) -> dict[str, tuple[Any, ...]]:
        """Return the values of each factor; a factor without values has None as its only one."""
        values = {name: given or (None,) for name, given in self.factors.items()}
        states = values.pop("states")
        if self.learn:
            # States are at the end, so that they vary fastest.
            values["states"] = states
            values["band"] = (None,)
        else:
            # States are the opened network's.
            values["network"] = tuple(self.networks())
        return values

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as a grid file has them."""
        record: dict[str, Any] = {name: list(values) for name, values in self.factors.items()}
        for name in SETTINGS:
            record[name] = getattr(self, name)
        return record


SETTINGS = tuple(each.name for each in fields(Grid) if each.name != "factors")
"""Entries of a grid that are not factors."""


def _programmed(chosen: Mapping[str, Any], network: Network) -> Point:
    """Return the point of a combination of values, for chips that are programmed."""
    values = {"states": max(len(layer.levels) for layer in network.layers), **chosen}
    if values["program"] not in VERIFYING:
        values["tries"] = None
        values["band"] = None
    elif values["tries"] is None:
        values["tries"] = default_tries(network)
    point = Point(**values)
    has_tiles = point.tiles is not None or any(tiles_of(network))
    for name in ADC_FACTORS:
        if values[name] and not has_tiles:
            raise UserError(
                f"`{name}` is for converters of tiles, and {point.network} has none: "
                "give `tile_rows` and `adc_bits`"
            )
    return point


def make_grid(entries: Mapping[str, Any]) -> Grid:
    """Check the entries of a file or of options, and return the grid.

    Parameters
    ----------
    entries : mapping
        A value or a list of values for each of `FACTORS`, and a value for each of `SETTINGS`.

    Raises
    ------
    UserError
        If a key is unknown, a value is not legal, or no network is named.
    """
    known = [*FACTORS, *SETTINGS]
    for key in entries:
        if key not in known:
            raise UserError(f"a grid has no {key!r}; it has {', '.join(known)}")
    factors = {name: _checked(name, entries) for name in FACTORS}
    if entries.get("learn") and not factors["network"]:
        factors["network"] = (HIDDEN_WIDTHS,)
    if not factors["network"]:
        raise UserError("a sweep needs networks: network = [...] in the file, or `network`")
    return Grid(factors, **{name: entries[name] for name in SETTINGS if name in entries})


def _checked(name: str, entries: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the checked values of a factor, each once."""
    factor = FACTORS[name]
    given = entries.get(name, factor.default)
    values = given.tolist() if isinstance(given, np.ndarray) else several(given)
    if factor.default and not values:
        raise UserError(f"`{name}` has no value; give one, or leave it out")
    return tuple(dict.fromkeys(factor.check(name, value) for value in values))


def grid_entries(grid: Any) -> Mapping[str, Any]:
    """Return the unchecked entries of a grid: a mapping, a grid file, or networks."""
    if isinstance(grid, Mapping):
        return grid
    if str(grid).endswith(".toml"):
        return read_grid(Path(str(grid)))
    return {} if grid is None else {"network": grid}


def read_grid(path: Path) -> dict[str, Any]:
    """Read the entries of a grid file; they are not checked.

    Raises
    ------
    UserError
        If the file cannot be read, or is not TOML.
    """
    text = read_text(path, "grid", MAX_TOML)
    with refused(f"the grid {path} is not TOML: "):
        return parse_toml(text)
