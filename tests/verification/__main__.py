"""Write the table of blocks into a document, between its marks.

``python -m tests.verification docs/verification.md``
"""

import sys
from pathlib import Path

from allspin.host.show.document import Marks
from tests.verification.blocks import rows

MARKS = Marks("<!-- blocks -->", "<!-- end of blocks -->")


def main(path: str) -> None:
    """Write the table into the document."""
    document = Path(path)
    lines = rows(document.read_text(encoding="utf-8"))
    MARKS.fill(document, "\n".join(["", *lines]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
