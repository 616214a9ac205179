"""Options of one chip: its seed and device, and the scheme or the file of its cells."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from allspin.host.chips.probed_cells import read_cells
from allspin.host.chips.program_settings import PROGRAM, ProgramSettings
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.options import DEVICE, HIDDEN, parsed
from allspin.host.show.display import Display
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_number, check_range, refused
from allspin.sim.network.network import Network
from allspin.sim.programming.measured_cells import MeasuredCells
from allspin.sim.programming.program import ProgrammedChip, program as program_chip
from allspin.sim.programming.schemes import (
    Programming,
    default_tries,
)

PAPER = "paper"
"""The device that chips are made of unless another is given."""


@dataclass(frozen=True)
class ChipOptions:
    """Seed and device of a chip, and its programming or the file of its measured cells.

    Parameters
    ----------
    chip : int or None
        Seed of the chip, 0 to 2**32 - 1, which names all its variation: the ideal chip unless
        given.
    device : str, Path or Device
        Device file of the chip, or the name of one that ships, with or without an operating
        point, such as mine.toml@current=9mA,temperature=350.
    program : ProgramSettings, optional
        Programming of the chip: open-loop unless given.
    calibrate : bool
        Calibrate the thresholds of the chip's neurons.
    at : str or OperatingPoint, optional
        Operating point of the device, such as current=9mA,temperature=350: its file's own unless
        given.
    measured : str or Path, optional
        Cells as a probe station read them, CSV or .npz, in place of programming them. Without a
        chip's seed neurons, amplifiers and V-I converters are the mean ones, and nothing changes
        from use to use.
    missing : float, optional
        Share of the measured cells that may be missing or open, 0 to 1: 0 unless given. A Hall
        arm that is open adds nothing to its column.

    Raises
    ------
    UserError
        If a value is outside its range, or does not go with another.
    """

    chip: Annotated[int | None, parsed(int, "SEED")] = None
    device: Annotated[str | Path | Device, DEVICE] = PAPER
    program: Annotated[ProgramSettings | None, PROGRAM] = None
    calibrate: bool = False
    at: Annotated[str | OperatingPoint | None, HIDDEN] = None
    measured: Annotated[str | Path | None, parsed(Path, "CELLS")] = None
    missing: float | None = None

    def __post_init__(self) -> None:
        self._check_rules()
        with refused():
            check_number("`missing`", self.missing or 0.0, 0, 1)
            check_range("chip seed", self.chip or 0, 0, 2**32 - 1)

    def _check_rules(self) -> None:
        """Raise a `UserError` if a value does not go with another."""
        if self.measured is None:
            if self.chip is None:
                raise UserError("a chip needs its seed, `chip`, or cells that were `measured`")
            if self.missing is not None:
                raise UserError("`missing` needs `measured`")
        elif self.program is not None:
            raise UserError("`measured` cells are not programmed: leave out how they would be")
        if self.chip is None and self.calibrate:
            raise UserError("`calibrate` needs `chip`: the mean neuron needs no calibration")

    def make(self, network: Network, progress: Display | None = None) -> ProgrammedChip:
        """Program the chip with a network, or take the cells that were read.

        Parameters
        ----------
        network : Network
            States and levels.
        progress : Display, optional
            Display of the step.

        Raises
        ------
        UserError
            If there is no such device, the network's levels cannot be programmed, or the file is
            not of the network's cells.
        """
        device = open_device(self.device, self.at)
        progress = progress or Display()
        progress.start("making the chip" if self.chip is None else f"making chip {self.chip}")
        chip = self._program(network, device)
        progress.finish()
        return chip

    def _program(self, network: Network, device: Device) -> ProgrammedChip:
        """Program a chip of the device."""
        drawn = self.chip is not None
        how: Programming | MeasuredCells
        if self.measured is None:
            settings = self.program or ProgramSettings()
            how = settings.programming(default_tries(network))
        else:
            if not drawn and network.neuron.noise:
                raise UserError("neurons of this network switch by chance: give `chip`, their seed")
            how = read_cells(Path(self.measured), network, device, self.missing or 0.0)
        with refused():
            return program_chip(
                network, device, self.chip or 0, how, calibrated=self.calibrate, drawn=drawn
            )


def ideal_chip(network: Network) -> ProgrammedChip:
    """Return a chip without any variation: only the neurons' own chance differs from use to use.

    The draws of that chance are those of chip 0.
    """
    cells = MeasuredCells.ideal(network)
    device = open_device(PAPER)
    device = replace(
        device,
        name="an ideal device",
        synapse=device.synapse.varied(0.0, 0.0),
        neuron_variation=NeuronVariation(),
        imperfections=Imperfections(),
        adc=AdcVariation(),
        array=HallArray(),
    )
    return program_chip(network, device, 0, cells)


def program(
    network: str | Path | Network,
    device: str | Path | Device = PAPER,
    seed: int | None = 0,
    scheme: str = "open-loop",
    *,
    polarity: str = "quieter",
    tries: int | None = None,
    band: float | None = None,
    calibrate: bool = False,
    at: str | OperatingPoint | None = None,
    measured: str | Path | None = None,
    missing: float = 0.0,
) -> ProgrammedChip:
    """Program a chip with a network.

    Parameters
    ----------
    network : str, Path or Network
        States and levels: a network, its file, or the name of one that ships.
    device : str, Path or Device
        Device that the chip is made of: a device, its file, or the name of one that ships.
    seed : int or None
        Number of the chip, 0 to 2**32 - 1. None with `measured` only: neurons, amplifiers and
        converters are then the mean ones.
    scheme : str
        ``open-loop``, ``pulse-width``, ``write-verify`` or ``incremental``.
    polarity, tries, band
        As of `allspin.Programming`; `tries` are 8 up to 16 states, else 32.
    calibrate : bool
        True to calibrate the thresholds of the chip's neurons.
    at : str or OperatingPoint, optional
        Operating point of a device file, such as ``current=9mA,temperature=350`` (its own).
    measured : str or Path, optional
        File of cells that a probe station read, in place of programming them.
    missing : float
        Share of such cells that may be missing, 0 to 1.

    Returns
    -------
    ProgrammedChip
        R_AH words, converters, noise and cost of the chip.

    Raises
    ------
    UserError
        If there is no such network or device, a value is outside its range or does not go with
        another, or a layer's levels do not rise from first to last.

    Examples
    --------
    >>> chip = program("paper-10", seed=7)
    >>> chip.words[0].shape
    (784, 100)
    """
    with refused(kinds=(ValueError, TypeError)):
        settings = ProgramSettings(scheme, polarity, tries, band)
    options = ChipOptions(
        chip=seed,
        device=device,
        program=None if settings == ProgramSettings() else settings,
        calibrate=calibrate,
        at=at,
        measured=measured,
        missing=missing or None,
    )
    return options.make(open_network(network))
