"""Parts of a document that a command writes anew: the text between two marks."""

from dataclasses import dataclass
from pathlib import Path

from allspin.sim.errors import UserError
from allspin.sim.files import read_text, write_atomically

MAX_BYTES = 1 << 24
"""Most bytes of a document."""


@dataclass(frozen=True)
class Marks:
    """Begin and end of the part.

    Parameters
    ----------
    begin, end : str
        Texts that the document has exactly once, in this order.
    """

    begin: str
    end: str

    def around(self, path: Path) -> tuple[str, str]:
        """Return the text before the begin and the text after the end.

        Raises
        ------
        UserError
            If the document cannot be read, or has not both marks once, in order.
        """
        before, begin, rest = read_text(path, "document", MAX_BYTES).partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not begin or not end or self.begin in rest or self.end in before + after:
            raise UserError(f"{path} has not both marks, each once: {self.begin} and {self.end}")
        return before, after

    def fill(self, path: Path, text: str) -> None:
        """Replace the text between the marks.

        Raises
        ------
        UserError
            As `around`, or if the document cannot be written.
        """
        before, after = self.around(path)
        write_atomically(path, f"{before}{self.begin}\n{text}{self.end}{after}".encode())
