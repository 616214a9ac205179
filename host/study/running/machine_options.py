"""The machine that a network shall run on, by name, and what it is asked to be."""

from dataclasses import dataclass

from allspin.hdl.parameters import HardwareProfile
from allspin.host.link.machines.chip_programming import chip_gateware
from allspin.host.link.machines.machine import Machine
from allspin.host.link.machines.opening import (
    GOLDEN,
    VIRTUAL,
    VIRTUAL_FREQUENCY,
    BuildProgress,
    no_progress,
    open_machine,
)
from allspin.host.link.machines.resident import VIRTUAL_RESIDENT
from allspin.host.link.wire.serial_port import DEFAULT_BAUD, MAX_BAUD, MIN_BAUD
from allspin.host.study.running.made_chip import MadeChip
from allspin.sim.errors import UserError
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import Network

MIN_FREQUENCY = 100_000
MAX_FREQUENCY = 1_000_000_000


@dataclass(frozen=True)
class MachineOptions:
    """Which machine, and how it is spoken to; None leaves a value to the machine.

    Parameters
    ----------
    on : str
        ``golden``, ``virtual``, ``auto`` or a serial port, as of
        `allspin.host.link.machines.opening.open_machine`.
    lanes : int, optional
        Columns that a row drives in a clock, 1 to 65535: the virtual board is built with them, a
        real one must have them.
    rows_per_clock : int, optional
        Rows that are driven in a clock, 1, 2 or 4, likewise.
    uart : bool
        Whether the virtual board is spoken to through its UART, bit by bit.
    baud : int, optional
        Bits a second of a UART, 9600 to 12,000,000.
    clock_error : float, optional
        With `uart`, percent by which the host's bits are too long.
    frequency : int, optional
        With `uart`, Hz of the virtual board's clock, 100,000 to 1,000,000,000.

    Raises
    ------
    UserError
        If a value is outside its range, or does not go with another; the message names the
        options as the command line has them.
    """

    on: str = GOLDEN
    lanes: int | None = None
    rows_per_clock: int | None = None
    uart: bool = False
    baud: int | None = None
    clock_error: float | None = None
    frequency: int | None = None

    def __post_init__(self) -> None:
        if self.uart and self.on != VIRTUAL:
            raise UserError(f"--uart is for --on {VIRTUAL}, not {self.on}")
        if self.clock_error is not None and not self.uart:
            raise UserError("--clock-error needs --uart")
        if self.frequency is not None and not self.uart:
            raise UserError("--frequency needs --uart")
        if self.baud is not None and (self.on == GOLDEN or (self.on == VIRTUAL and not self.uart)):
            raise UserError(f"--baud is for a serial port, or --on {VIRTUAL} --uart")
        try:
            if self.frequency is not None:
                check_range("--frequency", self.frequency, MIN_FREQUENCY, MAX_FREQUENCY)
            if self.baud is not None:
                check_range("--baud", self.baud, MIN_BAUD, MAX_BAUD)
        except ValueError as error:
            raise UserError(str(error)) from error
        try:
            self._shape()
        except ValueError as error:
            option = str(error).replace("rows_per_clock", "rows-per-clock")
            raise UserError(f"--{option}") from error

    def _shape(self) -> HardwareProfile:
        rows = 1 if self.rows_per_clock is None else self.rows_per_clock
        return HardwareProfile(lanes=self.lanes, rows_per_clock=rows)

    def open(
        self,
        network: Network,
        chip: MadeChip | None = None,
        *,
        resident: bool = False,
        progress: BuildProgress = no_progress,
    ) -> Machine:
        """Open the machine for a network; it is not programmed yet.

        Parameters
        ----------
        network : Network
            What it shall run; the virtual board is built for it, a real one must fit it.
        chip : MadeChip, optional
            What it shall be made into.
        resident : bool
            Whether it shall keep images.
        progress : callable
            Told what is being built, and for how many seconds now.

        Raises
        ------
        UserError
            If there is no such machine, the network does not fit it, it has other lanes or rows
            a clock, or the chip has noise that gateware has not.
        """
        shape = self._shape()
        machine = open_machine(
            self.on,
            network,
            HardwareProfile(
                lanes=shape.lanes,
                rows_per_clock=shape.rows_per_clock,
                resident=VIRTUAL_RESIDENT if resident else None,
                variation=None
                if chip is None or self.on == GOLDEN
                else chip_gateware(chip.device, chip.programming, chip.noise),
            ),
            uart=self.uart,
            baud=self.baud or DEFAULT_BAUD,
            clock_error=self.clock_error or 0.0,
            frequency=self.frequency or VIRTUAL_FREQUENCY,
            progress=progress,
        )
        try:
            self._check_shape(machine, network)
        except UserError:
            machine.close()
            raise
        return machine

    def _check_shape(self, machine: Machine, network: Network) -> None:
        found = machine.profile
        if found is None:
            return
        if self.lanes is not None:
            lanes = min(self.lanes, max(layer.columns for layer in network.layers))
            if found.lanes != lanes:
                raise UserError(f"{machine.name} has {found.lanes} lanes, not {self.lanes}")
        if self.rows_per_clock not in (None, found.rows_per_clock):
            raise UserError(
                f"{machine.name} drives {found.rows_per_clock} rows per clock, "
                f"not {self.rows_per_clock}"
            )

    def title(self, machine: Machine) -> str:
        """What results call the machine that was opened: a board by its port."""
        return self.on if self.on in (GOLDEN, VIRTUAL) else machine.name
