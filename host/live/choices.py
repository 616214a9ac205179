"""Choices of a page: networks, machines, chips, schemes and knobs, each checked."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import network_name, open_device, open_network, shipped_networks
from allspin.host.data.datasets import check_fit, load_test_set
from allspin.host.live.knobs import Knob, knobs
from allspin.host.machines.opening import AUTO, GOLDEN, VIRTUAL
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_number, check_one_of, check_range, meant
from allspin.sim.network.network import Network
from allspin.sim.programming.schemes import SCHEMES

BOARD = "board"
"""Name of the board in a page; only the command line knows its port."""
MOST_CELLS = 1 << 21
"""Most cells of a network that a page can show."""


@dataclass(frozen=True)
class PageSetting:
    """Setting that a page has chosen.

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
        True if the thresholds of the chip's neurons are calibrated.
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
    """Networks, machines and images that pages may choose.

    Attributes
    ----------
    networks : dict of str to str, Path or Network
        Those that may be chosen, by the names that pages know.
    first : str
        Name of the network at first.
    on : str
        Machine at first; ``board`` if the command line names a port.
    port : str or None
        The board's port, or ``auto``; None without a board.
    device : Device
        Device of the chips.
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
        """Knobs of the device."""
        return knobs(self.device)

    @property
    def machines(self) -> tuple[str, ...]:
        """Machines that may be chosen."""
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
        """Read the networks, the device and the images of a page.

        Parameters
        ----------
        network : str, Path or Network
            Network at first; networks that ship and take such images may be chosen, too.
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
        """Return the setting at first: chip 0, programmed open loop."""
        values = {knob.name: knob.value for knob in self.knobs}
        return PageSetting(self.first, self.on, 0, next(iter(SCHEMES)), False, values)

    def setting(self, chosen: Mapping[str, Any]) -> PageSetting:
        """Check the setting that a page chose.

        Parameters
        ----------
        chosen : mapping
            Values by the names of `PageSetting`; missing ones are those of `usual`, and unknown
            ones are ignored.

        Raises
        ------
        ValueError, TypeError
            If a value may not be chosen.
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
