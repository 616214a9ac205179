"""The machine that a self-test is of."""

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.catalogue import open_network
from allspin.host.link.machines.linked import LinkedMachine
from allspin.host.link.machines.opening import (
    AUTO,
    GOLDEN,
    VIRTUAL,
    BuildProgress,
    ask_ports,
    no_progress,
    open_port,
    open_virtual,
)
from allspin.host.link.wire.serial_port import DEFAULT_BAUD
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network

VIRTUAL_NETWORK = "mnist-10"
"""What the virtual board is built for where no network is named."""


def open_for_selftest(
    on: str,
    network: Network | None = None,
    profile: HardwareProfile | None = None,
    baud: int = DEFAULT_BAUD,
    *,
    progress: BuildProgress = no_progress,
) -> LinkedMachine:
    """Open the machine.

    Parameters
    ----------
    on : str
        ``auto``, a serial port, or ``virtual``.
    network : Network, optional
        What it was built for. A board tells enough of itself to do without.
    profile : HardwareProfile, optional
        Of the virtual board.
    baud : int
        Bits a second of a serial port.
    progress : callable
        Told what is being built, and for how many seconds now.

    Raises
    ------
    UserError
        If there is no such machine, or no single board answers.
    """
    if on == GOLDEN:
        raise UserError(
            f"{GOLDEN} is what machines are compared with: name a serial port, {AUTO} or {VIRTUAL}"
        )
    if on == VIRTUAL:
        return open_virtual(network or open_network(VIRTUAL_NETWORK), profile, progress=progress)
    return _only_board(network, baud) if on == AUTO else open_port(on, baud)


def _only_board(network: Network | None, baud: int) -> LinkedMachine:
    """The one board that answers, and fits the network if there is one."""
    answers = ask_ports(baud)
    answering = [board for board in answers.values() if board is not None]
    boards = [
        board for board in answering if network is None or board.identity.mismatch(network) is None
    ]
    for board in answering:
        if boards != [board]:
            board.close()
    if len(boards) == 1:
        return boards[0]
    if boards:
        names = ", ".join(board.name for board in boards)
        raise UserError(f"{len(boards)} boards answer, on {names}: name one with --on")
    asked = f"asked {', '.join(answers)}" if answers else "there is no serial port"
    what = "answers" if network is None else "answers that was built for this network"
    raise UserError(f"no board {what} ({asked}); connect one, or test virtual")
