"""How chips are programmed: the schemes, what they may do, and what they take."""

from dataclasses import dataclass

from allspin.sim.device.device import Electrical
from allspin.sim.errors import check_number, check_one_of, check_range
from allspin.sim.network.network import Network

SCHEMES = {
    "open-loop": "one train of whole pulses from saturation, nothing read",
    "pulse-width": "one pulse a state from saturation, short ones first, wider ones later",
    "write-verify": "trains from saturation, read and written again until within the band",
}
"""How chips are programmed, by the names that ``--program`` takes."""
POLARITIES = {
    "quieter": "the polarity that is likelier to end at the level, cell by cell",
    "depression": "depression, after saturation at the highest R_AH, as in the paper",
    "potentiation": "potentiation, after saturation at the lowest R_AH",
    "halves": "potentiation for the upper half of the range, depression for the lower",
}
"""Which polarity a train has."""
DEFAULT_BAND = 0.02
"""How far from its level write-verify lets a cell be, as a fraction of the range."""
FEW_STATES = 16
FEW_TRIES = 8
MANY_TRIES = 32
MAX_TRIES = 1024
"""Writes of a cell that `write-verify` may be allowed."""


@dataclass(frozen=True)
class Programming:
    """How a chip is programmed.

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

    scheme: str = "open-loop"
    polarity: str = "quieter"
    tries: int = 8
    band: float = DEFAULT_BAND

    def __post_init__(self) -> None:
        check_one_of("the programming scheme", self.scheme, SCHEMES)
        check_one_of("the polarity", self.polarity, POLARITIES)
        object.__setattr__(self, "tries", check_range("tries", self.tries, 1, MAX_TRIES))
        object.__setattr__(self, "band", check_number("the band", self.band, 1e-6, 0.5))

    def readings(self) -> list[str]:
        """What it does, a line each, for reports."""
        lines = [
            f"programmed {self.scheme}: {SCHEMES[self.scheme]}",
            f"polarity {self.polarity}: {POLARITIES[self.polarity]}",
        ]
        if self.scheme == "write-verify":
            lines.append(
                f"band {self.band:g} of the range either way, at most {self.tries} tries; a cell "
                "that never got there keeps its last write"
            )
        return lines


@dataclass(frozen=True)
class Counts:
    """What programming took; sums over all cells.

    Attributes
    ----------
    cells : int
        Cells programmed.
    potentiation, depression : float
        Pulses by polarity, in pulses of nominal width (a wider one counts for more).
    pulses : int
        Pulses of any width.
    saturations : int
        Times that a film was saturated.
    reads : int
        Times that a cell was read.
    unconverged : int
        Cells that never were within the band; 0 where nothing is read.
    """

    cells: int = 0
    potentiation: float = 0.0
    depression: float = 0.0
    pulses: int = 0
    saturations: int = 0
    reads: int = 0
    unconverged: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Sum of both."""
        return Counts(
            *(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True))
        )

    def energy(self, electrical: Electrical) -> float | None:
        """Energy in joule, of pulses and saturations, and of reads where known.

        None if the pulses' is not known.
        """
        parts = [
            (self.potentiation, electrical.pulse_energy(electrical.potentiation_current)),
            (self.depression, electrical.pulse_energy(electrical.depression_current)),
            (self.saturations, electrical.pulse_energy(electrical.saturation_current)),
        ]
        total = 0.0
        for count, each in parts:
            if count and each is None:
                return None
            total += count * (each or 0.0)
        return total + self.reads * (electrical.read_energy or 0.0)

    def time(self, electrical: Electrical) -> float | None:
        """Time in seconds, one cell after another; None if a pulse's is not known."""
        if electrical.pulse_time is None:
            return None
        widths = self.potentiation + self.depression + self.saturations
        return widths * electrical.pulse_time + self.reads * (electrical.read_time or 0.0)


def default_tries(network: Network) -> int:
    """Writes of a cell that write-verify may take unless told: few where states are few."""
    return usual_tries(max(len(layer.levels) for layer in network.layers))


def usual_tries(states: int) -> int:
    """Writes of a cell that write-verify may take with so many states, unless told."""
    return FEW_TRIES if states <= FEW_STATES else MANY_TRIES
