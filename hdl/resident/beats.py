"""Beats of an image: the rows that are driven in one clock, packed as densely as possible."""

import numpy as np
import numpy.typing as npt

Beat = tuple[tuple[int, int], ...]
"""Row within each part of the array, and its value; (0, 0) for a silent part."""


def pack_beats(
    values: npt.NDArray[np.integer], rows_per_clock: int, tile_rows: int | None = None
) -> list[Beat]:
    """Return the beats that drive each row of an image whose value is not zero.

    Part k of the array has the rows whose number modulo `rows_per_clock` is k, and drives one of
    them in a clock. So an image takes as many beats as its busiest part has rows to drive, and a
    blank image takes one. If columns are read tile by tile, each tile takes as many beats as its
    busiest part has rows, since no beat drives rows of two tiles.

    Parameters
    ----------
    values : ndarray of int, shape (rows,)
        Value of each row.
    rows_per_clock : int
        Slots of a beat.
    tile_rows : int, optional
        Rows of a tile, a multiple of `rows_per_clock`; all by default.

    Returns
    -------
    list of Beat
        At least one; the last is the image's last.

    Examples
    --------
    >>> import numpy as np
    >>> pack_beats(np.array([0, 5, 7, 0, 9]), 2)
    [((1, 7), (0, 5)), ((2, 9), (0, 0))]
    """
    beats: list[Beat] = []
    lines = -(-(tile_rows or len(values)) // rows_per_clock)  # of a tile's part
    for first in range(0, -(-len(values) // rows_per_clock), lines):
        parts = []
        for part in range(rows_per_clock):
            own = values[part::rows_per_clock][first : first + lines]
            rows = np.flatnonzero(own)
            parts.append(list(zip((first + rows).tolist(), own[rows].tolist(), strict=True)))
        count = max(map(len, parts))
        padded = [slots + [(0, 0)] * (count - len(slots)) for slots in parts]
        beats += zip(*padded, strict=True)
    return beats or [((0, 0),) * rows_per_clock]


def beat_members(beat: Beat, last: bool) -> dict[str, int]:
    """Return a beat as members of an `event_layout`, for a `PayloadCode`."""
    members = {"last": int(last)}
    for part, (row, value) in enumerate(beat):
        members[f"slots[{part}].row"] = row
        members[f"slots[{part}].value"] = value
    return members
