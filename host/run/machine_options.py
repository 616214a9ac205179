"""Options of the machine that a network runs on: its name and its structure."""

from dataclasses import dataclass, replace
from typing import Annotated

from allspin.hdl.link.protocol import Feature
from allspin.hdl.parameters.profile import NO_CHIPS, HardwareProfile
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.machine import Machine
from allspin.host.machines.opening import (
    GOLDEN,
    VIRTUAL,
    BuildProgress,
    no_progress,
    open_machine,
)
from allspin.host.machines.resident import VIRTUAL_RESIDENT, VIRTUAL_SDRAM
from allspin.host.options import HIDDEN, MACHINE
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.programming.program import ProgrammedChip


@dataclass(frozen=True)
class MachineOptions:
    """Name and structure of a machine, and its UART; None leaves a value to the machine.

    Parameters
    ----------
    on : str
        Machine: ``golden`` (the golden model), ``virtual``, a serial port, or ``auto`` (the board
        that answers).
    lanes : int, optional
        Columns that are computed in a cycle, 1 to 65535: all unless given. The virtual board is
        built with them, a real one must have them.
    rows_per_clock : int, optional
        Rows that are driven in a cycle, 1, 2, 4, 8 or 16: 1 unless given.
    keep_states : bool
        Keep states in place of R_AH words: memory of the fewest bits, and no chips.
    sdram : bool
        Keep resident images in an SDRAM, which the virtual board simulates.
    uart : UartOptions, optional
        How a board's UART is spoken to; the virtual board's, bit by bit, if this is given.

    Raises
    ------
    ValueError
        If a value is outside its range, or excludes another; the message begins with its name.
    """

    on: Annotated[str, MACHINE] = GOLDEN
    lanes: int | None = None
    rows_per_clock: int | None = None
    keep_states: bool = False
    sdram: bool = False
    uart: Annotated[UartOptions | None, HIDDEN] = None

    def __post_init__(self) -> None:
        if self.uart is not None and self.on == GOLDEN:
            raise ValueError(f"uart is for a board, real or virtual: {GOLDEN} has no UART")
        _ = self.profile  # raises for values outside their ranges

    @property
    def profile(self) -> HardwareProfile:
        """The virtual board's lanes and rows per clock."""
        rows = 1 if self.rows_per_clock is None else self.rows_per_clock
        return HardwareProfile(lanes=self.lanes, rows_per_clock=rows, states=self.keep_states)

    def check(self, *, chips: bool, resident: bool) -> None:
        """Check that the machine can emulate chips and keep images, if it has to.

        Raises
        ------
        UserError
            If a machine that keeps states has to emulate a chip, or the golden model has to keep
            images.
        """
        if resident and self.on == GOLDEN:
            raise UserError(f"`resident` is for `on` {VIRTUAL} or a board: {GOLDEN} has no memory")
        if chips and self.keep_states and self.on != GOLDEN:
            raise UserError(f"`keep_states`: {NO_CHIPS}")

    def open(
        self,
        loaded: Network | ProgrammedChip,
        *,
        resident: bool = False,
        progress: BuildProgress = no_progress,
    ) -> Machine:
        """Open the machine for a network or a chip of one, which is not loaded yet.

        Parameters
        ----------
        loaded : Network or ProgrammedChip
            Network that the virtual board is built for, and that a real board must fit.
        resident : bool
            True if the machine must keep images.
        progress : callable
            Called with the step of a build, and its seconds so far.

        Raises
        ------
        UserError
            If the machine does not exist, does not fit the network, has other lanes or rows per
            clock, or lacks the chip's noise.
        """
        kept = VIRTUAL_SDRAM if self.sdram else VIRTUAL_RESIDENT
        profile = replace(self.profile, resident=kept if resident else None)
        machine = open_machine(self.on, loaded, profile, self.uart, progress=progress)
        network = loaded.network if isinstance(loaded, ProgrammedChip) else loaded
        try:
            self._check_shape(machine, network)
        except UserError:
            machine.close()
            raise
        return machine

    def _check_shape(self, machine: Machine, network: Network) -> None:
        """Raise a `UserError` if the machine's structure is not that of the options."""
        profile = machine.profile
        if profile is None:
            return
        columns = max(layer.columns for layer in machine.fitted(network).layers)
        lanes = self.lanes and min(self.lanes, columns)
        for quantity, present, asked in (
            ("lanes", profile.lanes, lanes),
            ("rows per clock", profile.rows_per_clock, self.rows_per_clock),
        ):
            if asked not in (None, present):
                raise UserError(f"{machine.name} has {present} {quantity}, not {asked}")
        # The virtual board keeps words if levels are not uniform.
        if self.keep_states and not profile.states and self.on != VIRTUAL:
            raise UserError(f"{machine.name} keeps R_AH words, not states")
        if (
            self.sdram
            and isinstance(machine, LinkedMachine)
            and Feature.SDRAM not in machine.identity.features
        ):
            raise UserError(f"{machine.name} keeps no images in an SDRAM")
