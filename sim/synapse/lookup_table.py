"""CrossSim's lookup tables (``dG_increasing.txt``, ``dG_decreasing.txt``) as measured synapses.

A file has a header, a line of conductances, a line of cumulative probabilities, and a row of
changes for each probability. Changes are interpolated along conductance and probability.
"""

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file, read_text
from allspin.sim.synapse.distribution import MAX_MAGNITUDE, Distribution
from allspin.sim.synapse.pulse_chain import after, until_still
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.table_response import MAX_TABLE, TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse

MAX_BYTES = 1 << 24
"""Largest size of a lookup table, in bytes."""
MAX_ROW = 10_000
"""Largest number of conductances and of probabilities."""
LOOKUP_HEADER = "1st Row = Gbins"
"""Beginning of the first line of CrossSim's lookup tables."""


def is_lookup_table(path: Path) -> bool:
    """Return True if a file's first line is that of a CrossSim lookup table."""
    try:
        check_file(path, "measurement", sys.maxsize)
        with path.open("rb") as file:
            return file.read(len(LOOKUP_HEADER)) == LOOKUP_HEADER.encode()
    except (UserError, OSError):
        return False  # the reader of the file reports the reason


def _numbers(path: Path, number: int, line: str) -> Array:
    """Return a row of a lookup table."""
    try:
        row = np.array([float(word) for word in line.split(",")])
    except ValueError:
        row = np.array([np.nan])
    if not np.all(np.abs(row) <= MAX_MAGNITUDE):
        raise UserError(
            f"{path}: line {number} is not a row of numbers up to {MAX_MAGNITUDE:g} with commas; "
            "give a lookup table as CrossSim writes it (conductances, shares, then changes)"
        )
    return row


def read_lookup_table(path: Path) -> Distribution:
    """Read the distribution of a pulse's change from a CrossSim lookup table, in siemens.

    Raises
    ------
    UserError
        If the file is missing or not a lookup table.
    """
    text = read_text(path, "lookup table", MAX_BYTES)
    lines = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
    rows = [_numbers(path, *each) for each in itertools.islice(lines, 1, 3)]
    if len(rows) < 2 or not all(2 <= row.size <= MAX_ROW for row in rows):
        raise UserError(
            f"{path} is not one of CrossSim's lookup tables: it needs a row of conductances and "
            f"one of cumulative shares, of 2 to {MAX_ROW:,} numbers each"
        )
    conductance, share = rows
    changes = [_numbers(path, *each) for each in itertools.islice(lines, share.size + 1)]
    with refused(f"{path} is damaged: "):
        even = len({row.size for row in changes}) == 1
        return Distribution(conductance, share, changes if even else np.empty((len(changes), 0)))


STILL = 1 / MAX_TABLE
"""Smallest change of the mean by a pulse, as a share of the range; the table ends below it."""


def load_lookup_table(path: Path) -> tuple[Polarity, TableResponse]:
    """Read a CrossSim lookup table: its polarity, and its response in siemens.

    The response is that of trains from the polarity's start: mean and deviation after each pulse,
    from the distribution of the changes (`allspin.sim.synapse.pulse_chain`).

    Raises
    ------
    UserError
        If the file is missing or not a lookup table.
    """
    measured = read_lookup_table(path)
    changes = measured.moments
    mean, _ = changes.moments()
    polarity = Polarity.POTENTIATION if mean.mean() > 0 else Polarity.DEPRESSION
    start = changes.high if polarity else changes.low
    pulses = until_still(changes, start, MAX_TABLE, STILL)
    if not pulses:
        raise UserError(f"{path}: a pulse does not move the mean away from {start:g}")
    way, spread = after(changes, start, np.arange(pulses + 1))
    with refused(f"{path}: "):
        return polarity, TableResponse(way, spread, np.zeros(way.size), measured)


def mean_device(responses: Sequence[TableResponse]) -> TableResponse:
    """Return the mean response of devices, with the deviation between them.

    A device whose table is shorter stays at its end.

    Parameters
    ----------
    responses : sequence of TableResponse
        Responses of one polarity, one for each device.
    """
    size = max(response.resistance.size for response in responses)

    def padded(tables: Sequence[Array]) -> Array:
        return np.array([np.pad(table, (0, size - table.size), mode="edge") for table in tables])

    ways = padded([response.resistance for response in responses])
    cycles = padded([response.cycle for response in responses])
    spread = ways.std(axis=0, ddof=1) if len(ways) > 1 else np.zeros(size)
    laws = [each.distribution for each in responses if each.distribution is not None]
    law = laws[0].with_others(laws[1:]) if laws else None
    return TableResponse(ways.mean(axis=0), np.sqrt(np.mean(cycles**2, axis=0)), spread, law)


def load_lookup_tables(paths: Sequence[Path], states: int = 100) -> TableSynapse:
    """Make a synapse from CrossSim's lookup tables, a rising and a falling one for each device.

    Parameters
    ----------
    paths : sequence of Path
        Tables of rising and of falling conductance, in any order.
    states : int
        Number of states, 2 to 128.

    Returns
    -------
    TableSynapse
        Mean device in the tables' unit (siemens), with D2D if several devices are given.

    Raises
    ------
    UserError
        If a file is missing or not a lookup table, or the numbers of rising and falling tables
        differ.
    """
    tables = [load_lookup_table(path) for path in paths]
    up = [response for polarity, response in tables if polarity == Polarity.POTENTIATION]
    down = [response for polarity, response in tables if polarity == Polarity.DEPRESSION]
    named = ", ".join(map(str, paths))
    if not up or len(up) != len(down):
        raise UserError(
            f"{named}: there are {len(up)} of potentiation and {len(down)} of depression; give a "
            "rising and a falling table of each device"
        )
    with refused(f"{named}: "):
        return TableSynapse(mean_device(up), mean_device(down), states, bounded=True)
