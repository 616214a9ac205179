"""What a simulation is about, handed from the process that starts it to the simulator."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.sim.network.netfile import network_from_bytes, network_to_bytes
from allspin.sim.network.network import Network

VARIABLE = "ALLSPIN_JOB"
"""Environment variable that names the job's folder within the simulator."""


def _profile_from_dict(record: dict[str, Any]) -> HardwareProfile:
    variation, resident = record["variation"], record["resident"]
    return HardwareProfile(
        **record
        | {
            "variation": None if variation is None else VariationParameters(**variation),
            "resident": None if resident is None else ResidentParameters(**resident),
        }
    )


class Job:
    """The subject of a simulation.

    Parameters
    ----------
    folder : Path
        The simulation's own; benches may leave files there.
    network : Network, optional
        What the engine runs.
    images : ndarray of uint8, shape (images, height, width) or (images, rows), optional
        What it is shown.
    profile : HardwareProfile, optional
        What the engine is made for.
    options : dict, optional
        Plain JSON values for the bench.
    """

    def __init__(
        self,
        folder: Path,
        network: Network | None = None,
        images: npt.NDArray[np.uint8] | None = None,
        profile: HardwareProfile | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.profile = profile or HardwareProfile()
        self.options = dict(options or {})
        self._network = network
        self._images = images

    @property
    def network(self) -> Network:
        """What the engine runs.

        Raises
        ------
        AssertionError
            If `allspin.hdl.bench.simulators.runner.simulate` was given no network.
        """
        assert self._network is not None, "there is no network: give simulate() one"
        return self._network

    @property
    def images(self) -> npt.NDArray[np.uint8]:
        """What the engine is shown.

        Raises
        ------
        AssertionError
            If `allspin.hdl.bench.simulators.runner.simulate` was given no images.
        """
        assert self._images is not None, "there are no images: give simulate() some"
        return self._images

    @property
    def engine(self) -> EngineParameters:
        """Parameters of the engine that runs the network."""
        return EngineParameters.from_network(self.network, self.profile)

    def save(self) -> None:
        """Write the job into its folder."""
        if self._network is not None:
            (self.folder / "network.safetensors").write_bytes(network_to_bytes(self._network))
        if self._images is not None:
            np.save(self.folder / "images.npy", self._images, allow_pickle=False)
        record = {"profile": dataclasses.asdict(self.profile), "options": self.options}
        (self.folder / "job.json").write_text(json.dumps(record))

    @classmethod
    def of_this_simulation(cls) -> Self:
        """The job that this simulator was started for.

        Raises
        ------
        KeyError
            If this process is not a simulator that
            `allspin.hdl.bench.simulators.runner.simulate` started.
        """
        folder = Path(os.environ[VARIABLE])
        record = json.loads((folder / "job.json").read_text())
        network, images = folder / "network.safetensors", folder / "images.npy"
        return cls(
            folder=folder,
            network=network_from_bytes(network.read_bytes()) if network.exists() else None,
            images=np.load(images, allow_pickle=False) if images.exists() else None,
            profile=_profile_from_dict(record["profile"]),
            options=record["options"],
        )
