"""Programming schemes: the ways to write states into cells, and their settings."""

from dataclasses import dataclass

from allspin.sim.network.network import Network
from allspin.sim.parameters import Parameters, choice, number

SCHEMES = {
    "open-loop": "one train of whole pulses from saturation, nothing read",
    "pulse-width": "one pulse a state from saturation, short ones first, wider ones later",
    "write-verify": "trains from saturation, read and written again until within the band",
    "incremental": "write-verify whose further trains start where the cell is, not at saturation",
}
"""Schemes of programming, by the names of ``--program``."""
VERIFYING = ("write-verify", "incremental")
"""Schemes that read cells; `tries` and `band` apply to them."""
POLARITIES = {
    "quieter": "the polarity that is likelier to end at the level, cell by cell",
    "depression": "depression, after saturation at the highest R_AH, as in the paper",
    "potentiation": "potentiation, after saturation at the lowest R_AH",
    "halves": "potentiation for the upper half of the range, depression for the lower",
}
"""Choices of a train's polarity."""
DEFAULT_BAND = 0.02
"""Accepted distance of a cell from its level in write-verify, as a fraction of the range."""
FEW_STATES = 16
FEW_TRIES = 8
MANY_TRIES = 32
MAX_TRIES = 1024
"""Writes of a cell that `write-verify` may be allowed."""


@dataclass(frozen=True)
class Programming(Parameters):
    """Scheme by which a chip is programmed.

    Parameters
    ----------
    scheme : str
        One of `SCHEMES`.
    polarity : str
        One of `POLARITIES`.
    tries : int
        Writes of a cell that write-verify may take at most, 1 to 1024.
    band : float
        Write-verify is content with a cell whose R_AH was read within this of its level, as
        a fraction of the range, above 0 to 0.5.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    scheme: str = choice("open-loop", SCHEMES)
    polarity: str = choice("quieter", POLARITIES)
    tries: int = number(8, 1, MAX_TRIES)
    band: float = number(DEFAULT_BAND, 1e-6, 0.5)

    def called(self, name: str) -> str:
        """See `Parameters.called`."""
        return {"scheme": "the programming scheme", "tries": name}.get(name, f"the {name}")

    @property
    def verifies(self) -> bool:
        """True if cells are read, and written again."""
        return self.scheme in VERIFYING

    def readings(self) -> list[str]:
        """Describe the scheme in lines, for reports."""
        lines = [
            f"programmed {self.scheme}: {SCHEMES[self.scheme]}",
            f"polarity {self.polarity}: {POLARITIES[self.polarity]}",
        ]
        if self.verifies:
            lines.append(
                f"band {self.band:g} of the range either way, at most {self.tries} tries; a cell "
                "that never got there keeps its last write"
            )
        return lines


def default_tries(network: Network) -> int:
    """Writes of a cell that write-verify may take unless told: few where states are few."""
    return usual_tries(max(len(layer.levels) for layer in network.layers))


def usual_tries(states: int) -> int:
    """Writes of a cell that write-verify may take with so many states, unless told."""
    return FEW_TRIES if states <= FEW_STATES else MANY_TRIES
