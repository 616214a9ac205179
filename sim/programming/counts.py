"""Pulses, saturations and reads that programming takes, with their energy and time."""

from dataclasses import dataclass

from allspin.sim.device.electrical import Electrical


@dataclass(frozen=True)
class Counts:
    """Cost of programming, summed over all cells.

    Attributes
    ----------
    cells : int
        Cells programmed.
    potentiation, depression : float
        Pulses by polarity, in pulses of nominal width (a wider pulse counts for more).
    pulses : int
        Pulses of any width.
    saturations : int
        Saturations of a cell.
    reads : int
        Reads of a cell.
    unconverged : int
        Cells that never were within the band; 0 where cells are not read.
    """

    cells: int = 0
    potentiation: float = 0.0
    depression: float = 0.0
    pulses: int = 0
    saturations: int = 0
    reads: int = 0
    unconverged: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Add both, count by count."""
        return Counts(
            cells=self.cells + other.cells,
            potentiation=self.potentiation + other.potentiation,
            depression=self.depression + other.depression,
            pulses=self.pulses + other.pulses,
            saturations=self.saturations + other.saturations,
            reads=self.reads + other.reads,
            unconverged=self.unconverged + other.unconverged,
        )

    def energy(self, electrical: Electrical) -> float | None:
        """Compute the energy in joule of pulses and saturations, and of reads where it is known.

        None if the energy of a pulse is not known.
        """
        parts = [
            (self.potentiation, electrical.pulse_energy(electrical.potentiation_current)),
            (self.depression, electrical.pulse_energy(electrical.depression_current)),
            (self.saturations, electrical.pulse_energy(electrical.saturation_current)),
        ]
        total = 0.0
        for count, pulse_energy in parts:
            if count and pulse_energy is None:
                return None
            total += count * (pulse_energy or 0.0)
        return total + self.reads * (electrical.read_energy or 0.0)

    def time(self, electrical: Electrical) -> float | None:
        """Compute the time in seconds, one cell after another; None if a pulse's is not known."""
        if electrical.pulse_time is None:
            return None
        widths = self.potentiation + self.depression + self.saturations
        return widths * electrical.pulse_time + self.reads * (electrical.read_time or 0.0)
