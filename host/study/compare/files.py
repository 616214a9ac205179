"""The files that a comparison leaves: its pictures, and its numbers."""

import json
from pathlib import Path
from typing import Any

from allspin.host.show.pictures.compare import break_even_chart, energy_split, tornado_chart
from allspin.host.show.pictures.style import SCREEN, Look, save_picture
from allspin.sim.network.netfile import write_atomically


def leave(found: dict[str, Any], folder: Path, look: Look = SCREEN) -> list[Path]:
    """Write the pictures of a comparison, and its numbers as ``compare.json``.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    paths = []
    for name, draw in (
        ("energy-split", energy_split),
        ("tornado", tornado_chart),
        ("break-even", break_even_chart),
    ):
        paths += save_picture(draw(found), folder, name, look)
    paths.append(folder / "compare.json")
    write_atomically(paths[-1], (json.dumps(found, indent=1) + "\n").encode())
    return paths
