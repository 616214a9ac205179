"""Job of a simulation: the process that starts a simulator hands it over in a folder."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.sim.network.netfile import network_from_bytes, network_to_bytes

VARIABLE = "ALLSPIN_JOB"
"""Environment variable that names the job's folder within the simulator."""
NETWORK = "network.safetensors"
IMAGES = "images.npy"
REST = "job.json"


@dataclass
class SimulationJob:
    """Input of a simulation.

    Parameters
    ----------
    folder : Path
        The simulation's own folder; benches may leave files there.
    network : Network, optional
        Network of the engine.
    images : ndarray of uint8, shape (images, height, width) or (images, rows), optional
        Images to classify.
    profile : HardwareProfile
        Profile of the engine.
    options : mapping
        Options of the bench.
    """

    folder: Path
    network: Any
    images: Any
    profile: HardwareProfile
    options: Mapping[str, Any]

    @property
    def engine(self) -> EngineParameters:
        """Parameters of the engine that runs the network."""
        return EngineParameters.from_network(self.network, self.profile)

    def save(self) -> None:
        """Write the job into its folder."""
        network = b"" if self.network is None else network_to_bytes(self.network)
        (self.folder / NETWORK).write_bytes(network)
        np.save(self.folder / IMAGES, () if self.images is None else self.images)
        rest = {"profile": asdict(self.profile), "options": self.options}
        (self.folder / REST).write_text(json.dumps(rest))

    @classmethod
    def of_this_simulation(cls) -> Self:
        """Read the job that this simulator was started for.

        Raises
        ------
        KeyError
            If this process is not a simulator that `allspin.hdl.bench.simulator.simulate` started.
        """
        folder = Path(os.environ[VARIABLE])
        network = (folder / NETWORK).read_bytes()
        rest = json.loads((folder / REST).read_text())
        profile = rest["profile"]
        for name, kind in (("variation", VariationParameters), ("resident", ResidentParameters)):
            profile[name] = profile[name] and kind(**profile[name])
        return cls(
            folder,
            network_from_bytes(network) if network else None,
            np.load(folder / IMAGES),
            HardwareProfile(**profile),
            rest["options"],
        )
