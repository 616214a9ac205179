"""CrossSim's lookup tables: the measured distribution of a pulse's change at each conductance.

A header, a line of conductances, a line of cumulative probabilities, and a row of changes for each
of these. Between them changes are interpolated, along the conductance and along the probability.
"""

import itertools
import sys
from pathlib import Path

import numpy as np

from allspin.sim.errors import UserError
from allspin.sim.files.user_file import open_file, read_text
from allspin.sim.pulses.changes import Array, Changes

MAX_MAGNITUDE = 1e30
"""No conductance is larger in any unit, and squares of it are still numbers."""
MAX_BYTES = 1 << 24
"""Bytes of a lookup table."""
MAX_ROW = 10_000
"""Conductances or shares of a lookup table."""
LOOKUP_HEADER = "1st Row = Gbins"
"""What the first line of CrossSim's lookup tables begins with."""


def is_lookup_table(path: Path) -> bool:
    """Whether a file is one of CrossSim's lookup tables, by its first line."""
    try:
        file, _ = open_file(path, "measurement", sys.maxsize)
    except UserError:
        return False  # whoever reads the rest of it says why not
    with file:
        return file.read(len(LOOKUP_HEADER)) == LOOKUP_HEADER.encode()


def _numbers(path: Path, number: int, line: str) -> Array:
    """A row of a lookup table."""
    try:
        row = np.array([float(word) for word in line.split(",")])
    except ValueError:
        raise UserError(
            f"{path}: line {number} is not a row of numbers with commas; give a lookup "
            "table as CrossSim writes it (conductances, shares, then changes)"
        ) from None
    if not np.all(np.abs(row) <= MAX_MAGNITUDE):
        raise UserError(
            f"{path} is damaged: line {number} has a number beyond {MAX_MAGNITUDE:g}, or none"
        )
    return row


def read_lookup_table(path: Path) -> Changes:
    """What a pulse does, of one of CrossSim's lookup tables; in siemens.

    Raises
    ------
    UserError
        If the file is missing or no such table.
    """
    text = read_text(path, "lookup table", MAX_BYTES)
    lines = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
    rows = [_numbers(path, *each) for each in itertools.islice(lines, 1, 3)]
    if len(rows) < 2 or min(row.size for row in rows) < 2:
        raise UserError(f"{path} is not one of CrossSim's lookup tables: it has too few rows")
    conductance, share = rows
    if max(conductance.size, share.size) > MAX_ROW:
        raise UserError(f"{path} is no lookup table: it has a row of more than {MAX_ROW:,} numbers")
    changes = [_numbers(path, *each) for each in itertools.islice(lines, share.size + 1)]
    if len(changes) != share.size or any(row.size != conductance.size for row in changes):
        raise UserError(
            f"{path} is damaged: {share.size} shares and {conductance.size} conductances need "
            f"as many rows and columns of changes, not {len(changes)} rows"
        )
    if np.any(np.diff(conductance) <= 0) or np.any(np.diff(share) < 0):
        raise UserError(f"{path} is damaged: conductances and cumulative shares must rise")
    if share[0] < 0 or share[-1] > 1:
        raise UserError(
            f"{path} is damaged: cumulative shares must be from 0 to 1, not from {share[0]:g} to "
            f"{share[-1]:g}"
        )
    return Changes.of_shares(conductance, share, np.array(changes))
