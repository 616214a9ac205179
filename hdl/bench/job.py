"""What a simulation is about, handed from the process that starts it to the simulator."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hdl.parameters import EngineParameters, HardwareProfile
from sim.netfile import network_from_bytes, network_to_bytes
from sim.network import Network

VARIABLE = "ALLSPIN_JOB"
"""Environment variable that names the job's folder within the simulator."""


@dataclass(frozen=True, eq=False)
class Job:
    """The subject of a simulation.

    Parameters
    ----------
    folder : Path
        The simulation's own; benches may leave files there.
    network : Network or None
        What the engine runs.
    images : ndarray of uint8, shape (images, height, width) or (images, rows), or None
        What it is shown.
    profile : HardwareProfile
        What the engine is made for.
    options : dict
        Plain JSON values for the bench.
    """

    folder: Path
    network: Network | None
    images: npt.NDArray[np.uint8] | None
    profile: HardwareProfile
    options: dict[str, Any]

    @property
    def engine(self) -> EngineParameters:
        """Parameters of the engine that runs the network."""
        assert self.network is not None, "the job has no network: give simulate() one"
        return EngineParameters.from_network(self.network, self.profile)

    def save(self) -> None:
        """Write the job into its folder."""
        if self.network is not None:
            (self.folder / "network.safetensors").write_bytes(network_to_bytes(self.network))
        if self.images is not None:
            np.save(self.folder / "images.npy", self.images, allow_pickle=False)
        record = {
            "lanes": self.profile.lanes,
            "rah_bits": self.profile.rah_bits,
            "options": self.options,
        }
        (self.folder / "job.json").write_text(json.dumps(record))

    @classmethod
    def of_this_simulation(cls) -> Self:
        """The job that this simulator was started for.

        Raises
        ------
        KeyError
            If this process is not a simulator that `hdl.bench.runner.simulate` started.
        """
        folder = Path(os.environ[VARIABLE])
        record = json.loads((folder / "job.json").read_text())
        network, images = folder / "network.safetensors", folder / "images.npy"
        return cls(
            folder=folder,
            network=network_from_bytes(network.read_bytes()) if network.exists() else None,
            images=np.load(images, allow_pickle=False) if images.exists() else None,
            profile=HardwareProfile(record["lanes"], record["rah_bits"]),
            options=record["options"],
        )
