"""``allspin virtual`` as a process: its port, its reset button and its memory."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from allspin.host.data.closing import Closing
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import save_network
from allspin.sim.network.network import Network
from tests.soak.memory import resident_memory

ROOT = Path(__file__).parents[2]
END = 30.0
"""Seconds for the process to end."""


class VirtualProcess(Closing):
    """A virtual board on a port of its own.

    Parameters
    ----------
    network : Network
        Network that the board is built for.
    options : list of str
        Options of `tests.host.virtual.faulty_port`.

    Attributes
    ----------
    path : str
        The port.

    Raises
    ------
    UserError
        If the process does not start.
    """

    def __init__(self, network: Network, options: list[str]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "network.safetensors"
            save_network(network, file)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.host.virtual.faulty_port", str(file), *options],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # an interrupt is for the soak alone
            )
            assert self._process.stdout is not None
            self.path = self._process.stdout.readline().strip()
        if not self.path:
            self.close()
            raise UserError(f"allspin virtual ended with status {self._process.returncode}")

    def reset(self) -> None:
        """Reset the board."""
        self._process.send_signal(signal.SIGUSR1)

    def memory(self) -> tuple[int, int]:
        """Return the bytes in memory of the process that carries, and of the board."""
        pid = self._process.pid
        boards = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return resident_memory(pid), sum(resident_memory(int(board)) for board in boards)

    def close(self) -> None:
        """End the process; a second call has no effect."""
        self._process.terminate()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
