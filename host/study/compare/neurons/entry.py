"""One neuron of a comparison: what it is, what it costs, and where each number comes from."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One neuron of the comparison.

    Attributes
    ----------
    name : str
        Its name, unique.
    kind : str
        Of `allspin.sim.network.neuron.NEURONS`: the network that its accuracy is of.
    what : str
        What is meant.
    spin : bool
        Whether it is a spin device.
    accuracy : float
        Share of test images.
    area, energy : dict
        um^2 and fJ of a use, by part: those of the neuron.
    periphery_area, periphery : dict
        The same of what surrounds it.
    period : float
        Time from one use to the next, ns.
    latency : float
        From input to output, ns.
    provenance : dict
        Where each number comes from: counted, synthesised, paper or reference, and more words.
    details : dict
        What else is known, such as the longest path.
    """

    name: str
    kind: str
    what: str
    spin: bool
    accuracy: float
    area: float
    energy: dict[str, float]
    periphery_area: float
    periphery: dict[str, float]
    period: float
    latency: float
    provenance: dict[str, str]
    details: dict[str, Any]

    @property
    def bare_energy(self) -> float:
        """FJ of a use of the neuron alone."""
        return sum(self.energy.values())

    @property
    def whole_energy(self) -> float:
        """FJ of a use with what surrounds it."""
        return self.bare_energy + sum(self.periphery.values())

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "what": self.what,
            "accuracy": self.accuracy,
            "area_um2": self.area,
            "energy_fj": self.bare_energy,
            "latency_ns": self.latency,
            "uses_per_second": 1e9 / self.period,
            "energy_delay_fj_ns": self.bare_energy * self.period,
            "energy_parts_fj": self.energy,
            "periphery_area_um2": self.periphery_area,
            "periphery_parts_fj": self.periphery,
            "area_with_periphery_um2": self.area + self.periphery_area,
            "energy_with_periphery_fj": self.whole_energy,
            "energy_delay_with_periphery_fj_ns": self.whole_energy * self.period,
            "provenance": self.provenance,
            "details": self.details,
        }
