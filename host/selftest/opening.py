"""Opening of a self-test's machine: the virtual board, a port, or the only board that answers."""

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.catalogue import open_network
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import (
    AUTO,
    GOLDEN,
    VIRTUAL,
    BuildProgress,
    ask_ports,
    no_progress,
    open_port,
    open_virtual,
)
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network

VIRTUAL_NETWORK = "mnist-10"
"""Network that the virtual board is built for by default."""


def open_for_selftest(
    on: str,
    network: Network | None = None,
    profile: HardwareProfile | None = None,
    baud: int | None = None,
    *,
    progress: BuildProgress = no_progress,
) -> LinkedMachine:
    """Open the machine of a self-test.

    Parameters
    ----------
    on : str
        ``auto``, a serial port, or ``virtual``.
    network : Network, optional
        Network that the machine was built for. By default a board's identity tells its structure.
    profile : HardwareProfile, optional
        Profile of the virtual board.
    baud : int, optional
        Bits a second of a serial port, as for `allspin.host.machines.opening.open_port`.
    progress : callable
        Called with the step of a build, and its seconds so far.

    Raises
    ------
    UserError
        If the machine does not exist, or not exactly one board answers.
    """
    if on == GOLDEN:
        raise UserError(
            f"{GOLDEN} is the reference of a self-test: name a serial port, {AUTO} or {VIRTUAL}"
        )
    if on == VIRTUAL:
        return open_virtual(network or open_network(VIRTUAL_NETWORK), profile, progress=progress)
    return _only_board(network, baud) if on == AUTO else open_port(on, baud)


def _only_board(network: Network | None, baud: int | None) -> LinkedMachine:
    """Open the only board that answers and fits the network, if one is given."""
    answers = ask_ports(baud)
    boards = [board for board in answers.values() if board is not None]
    fitting = [
        board for board in boards if network is None or board.identity.mismatch(network) is None
    ]
    for board in boards:
        if [board] != fitting:
            board.close()
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(board.name for board in fitting)
        raise UserError(f"{len(fitting)} boards answer, on {names}: name one with `on`")
    asked = f"asked {', '.join(answers)}" if answers else "there is no serial port"
    answering = "answers" if network is None else "answers that was built for this network"
    raise UserError(f"no board {answering} ({asked}); connect one, or test virtual")
