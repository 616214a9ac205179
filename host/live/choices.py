"""What a page may choose: names out of a few, a seed, and how far knobs are turned."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import network_name, open_device, open_network, shipped_networks
from allspin.host.data.datasets import check_fit, load_test_set
from allspin.host.machines.opening import AUTO, GOLDEN, VIRTUAL
from allspin.host.sweep.grid import scaled
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import UNITS
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_number, check_one_of, check_range, meant
from allspin.sim.network.network import Network
from allspin.sim.programming.schemes import SCHEMES
from allspin.sim.systems import naming_extras

# How much of each variation of a device a page may turn up or down.

HIGHEST = (3.0, 2.5, 2.0, 1.5, 1.0)
"""Factors that a knob may go up to, the first that the device's figures take."""
STEP = 0.05
OLDEST = 9.0
"""Decades of seconds, some thirty years."""

SCALES = {
    "c2c": "C2C of synapses",
    "d2d": "D2D of synapses",
    "neuron_d2d": "D2D of neurons",
    "neuron_c2c": "C2C of neurons",
}
"""The variations that are multiplied, in the words of the page."""
AGE = "age"


@dataclass(frozen=True)
class Knob:
    """A slider of the page.

    Attributes
    ----------
    name : str
        Of what it turns.
    title, unit : str
        What the page calls it, and what its value is of.
    high, step, value : float
        It goes from 0 to `high` by `step`, and stands at `value` at first.
    """

    name: str
    title: str
    unit: str
    high: float
    step: float
    value: float


def _highest(device: Device, name: str) -> float:
    """The factor that a knob may go up to."""
    for factor in HIGHEST[:-1]:
        with contextlib.suppress(ValueError):
            turned(device, {name: factor})
            return factor
    return HIGHEST[-1]


def knobs(device: Device) -> tuple[Knob, ...]:
    """The sliders of a device: one for each variation that it has.

    Parameters
    ----------
    device : Device
        What chips are made of.
    """
    neuron, wrong = device.neuron_variation, device.imperfections
    there = {
        "c2c": True,
        "d2d": device.synapse.devices_differ,
        "neuron_d2d": neuron.gain or neuron.threshold,
        "neuron_c2c": neuron.use,
    }
    factors = [(name, SCALES[name], "times the device's") for name, has in there.items() if has]
    for name, unit in UNITS.items():
        if value := getattr(wrong, name):
            factors.append((name, name.replace("_", " "), f"times {value:g} {unit}"))
    found = [Knob(*factor, _highest(device, factor[0]), STEP, 1.0) for factor in factors]
    if wrong.drift or wrong.drift_spread or wrong.retention is not None:
        found.append(Knob(AGE, "age", "decades of seconds", OLDEST, 0.25, wrong.decades))
    return tuple(found)


def turned(device: Device, values: Mapping[str, float]) -> Device:
    """A device with its variation turned up or down.

    Parameters
    ----------
    device : Device
        The device.
    values : mapping
        Values of knobs by their names; those that are missing leave it as it is.

    Raises
    ------
    ValueError
        If a figure leaves its range.
    """
    varied = scaled(device, *(values.get(name, 1.0) for name in SCALES))
    wrong = device.imperfections
    changed = {
        name: getattr(wrong, name) * factor for name, factor in values.items() if name in UNITS
    }
    if AGE in values:
        changed[AGE] = 10 ** values[AGE] - 1
    return replace(varied, imperfections=replace(wrong, **changed))


BOARD = "board"
"""What a page calls the board: which one it is, only the command line says."""
MOST_CELLS = 1 << 21
"""Cells of a network that a page can show."""


@dataclass(frozen=True)
class PageSetting:
    """What a page has chosen.

    Attributes
    ----------
    network : str
        Name of one of `Choices.networks`.
    on : str
        ``golden``, ``virtual`` or ``board``.
    chip : int or None
        Seed of the chip; None for the ideal one.
    scheme : str
        One of `allspin.sim.programming.schemes.SCHEMES`.
    calibrate : bool
        Whether the thresholds of the chip's neurons are calibrated.
    knobs : dict of str to float
        Values of the device's knobs, by their names.
    """

    network: str
    on: str
    chip: int | None
    scheme: str
    calibrate: bool
    knobs: dict[str, float]


@dataclass(frozen=True, eq=False)
class Choices:
    """What may be chosen, and what is shown.

    Attributes
    ----------
    networks : dict of str to str, Path or Network
        Those that may be chosen, by the names that pages know.
    first : str
        The one that is chosen at first.
    on : str
        The machine that is chosen at first; ``board`` where the command line names a port.
    port : str or None
        The board's port, or ``auto``; None without a board.
    device : Device
        What chips are made of.
    images : ndarray of uint8, shape (images, height, width)
        Test images.
    labels : ndarray of int64, shape (images,)
        Their classes.
    """

    networks: dict[str, str | Path | Network]
    first: str
    on: str
    port: str | None
    device: Device
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    @cached_property
    def knobs(self) -> tuple[Knob, ...]:
        """Those of the device."""
        return knobs(self.device)

    @property
    def machines(self) -> tuple[str, ...]:
        """Those that may be chosen."""
        return (GOLDEN, VIRTUAL) if self.port is None else (GOLDEN, VIRTUAL, BOARD)

    @classmethod
    def open(
        cls,
        network: str | Path | Network,
        on: str = GOLDEN,
        *,
        device: str | Path | Device = "paper",
        at: str | OperatingPoint | None = None,
        data: str | Path | None = None,
    ) -> "Choices":
        """Read what a page shows.

        Parameters
        ----------
        network : str, Path or Network
            The one that is chosen at first; those that ship and take such images may be, too.
        on : str
            ``golden``, ``virtual``, ``auto`` or a serial port.
        device, at
            As of `allspin.host.data.catalogue.open_device`.
        data : str, Path or None
            Data set, as of `allspin.host.data.datasets.load_test_set`.

        Raises
        ------
        UserError
            If one of them cannot be read, they do not go together, or the network takes no images.
        """
        usual = GOLDEN, VIRTUAL, AUTO
        if (wrong := meant(on, usual)) and on not in usual and not os.path.exists(on):
            raise UserError(f"there is no machine or serial port {on!r}{wrong}")
        own = open_network(network)
        height, width = own.image_shape[:2]
        if 1 in (height, width):
            raise UserError(
                f"the network takes lists of {height * width} values, and no images: give one that "
                "was trained on images"
            )
        if (cells := sum(layer.states.size for layer in own.layers)) > MOST_CELLS:
            raise UserError(f"the network has {cells:,} cells; a page shows {MOST_CELLS:,} at most")
        images, labels = load_test_set(data, own)
        # The page knows a file by its name, and never its folder.
        name = Path(network_name(network)).name
        networks: dict[str, str | Path | Network] = {}
        for other in shipped_networks():
            with contextlib.suppress(UserError):
                check_fit(open_network(other), own.image_shape, labels)
                networks[other] = other
        networks[name] = own
        made_of, port = open_device(device, at), None if on in (GOLDEN, VIRTUAL) else on
        return cls(networks, name, on if port is None else BOARD, port, made_of, images, labels)

    def usual(self) -> PageSetting:
        """What is chosen at first: chip 0, programmed open loop."""
        values = {knob.name: knob.value for knob in self.knobs}
        return PageSetting(self.first, self.on, 0, next(iter(SCHEMES)), False, values)

    def setting(self, chosen: Mapping[str, Any]) -> PageSetting:
        """Check what a page chose.

        Parameters
        ----------
        chosen : mapping
            Values by the names of `PageSetting`; those that are missing stay as `usual` has them.
            What it has besides is not looked at.

        Raises
        ------
        ValueError, TypeError
            If a value is none of those that may be chosen.
        """
        names = [field.name for field in fields(PageSetting)]
        made = replace(self.usual(), **{name: chosen[name] for name in names if name in chosen})
        check_one_of("network", made.network, self.networks)
        check_one_of("on", made.on, self.machines)
        check_one_of("scheme", made.scheme, SCHEMES)
        if made.chip is not None:
            check_range("chip", made.chip, 0, 2**32 - 1)
        if not isinstance(made.calibrate, bool):
            raise ValueError(f"calibrate must be true or false, not {made.calibrate!r}")
        if not isinstance(made.knobs, dict):
            raise ValueError("knobs must be an object")
        values = {
            knob.name: check_number(knob.name, made.knobs.get(knob.name, knob.value), 0, knob.high)
            for knob in self.knobs
        }
        return replace(made, knobs=values)


# The server itself, whose packages are needed for nothing else.


def live_package() -> ModuleType:
    """The server's module, with `LiveServer`, `Place` and `open_in_browser`.

    Raises
    ------
    UserError
        If a package that it needs is not installed.
    """
    with naming_extras():
        from allspin.host.live import serve
    return serve
