"""The part of a document that a command makes anew: what stands between two marks."""

from dataclasses import dataclass
from pathlib import Path

from allspin.sim.errors import UserError
from allspin.sim.files.user_file import read_text
from allspin.sim.network.netfile import write_atomically

MAX_BYTES = 1 << 24
"""Bytes of a document."""


@dataclass(frozen=True)
class Marks:
    """Where that part begins and ends.

    Parameters
    ----------
    begin, end : str
        Each stands once in the document.
    """

    begin: str
    end: str

    def around(self, path: Path) -> tuple[str, str]:
        """What stands before and after them.

        Raises
        ------
        UserError
            If the document cannot be read, or has not both marks once, in order.
        """
        text = read_text(path, "document", MAX_BYTES)
        before, begin, rest = text.partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not begin or not end or self.begin in rest or self.end in before + after:
            raise UserError(f"{path} has not both marks, each once: {self.begin} and {self.end}")
        return before, after

    def fill(self, path: Path, text: str) -> None:
        """Put text between them, in place of what is there.

        Raises
        ------
        UserError
            As `around` does, or if the document cannot be written.
        """
        before, after = self.around(path)
        write_atomically(path, f"{before}{self.begin}\n{text}{self.end}{after}".encode())
