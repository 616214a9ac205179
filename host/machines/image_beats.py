"""Encoding of images as beats, the lines of a board's memory of resident images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.profile import distance_bits
from allspin.host.link.image_requests import check_values

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _SlotRows:
    """Non-zero rows of a tile that one slot of the beats drives, for all images.

    Parameters
    ----------
    slot : int
        Number of the slot.
    image : ndarray of int64, shape (rows,)
        Image of each row, in ascending order.
    place : ndarray of int64, shape (rows,)
        Beat of its image that drives the row.
    distance : ndarray of int64, shape (rows,)
        Steps from the row that the slot drove before.
    crossing : ndarray of int64, shape (rows,)
        Beats before it that only shorten the distance, since it is too long for a beat.
    value : ndarray of uint8, shape (rows,)
        Value of the row.
    """

    slot: int
    image: Counts
    place: Counts
    distance: Counts
    crossing: Counts
    value: npt.NDArray[np.uint8]


def pack_images(
    values: npt.NDArray[np.uint8],
    rows_per_clock: int,
    pixel_bits: int,
    tile_rows: int | None = None,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Encode images as lines of the memory of resident images; see ``docs/protocol.md``.

    Parameters
    ----------
    values : ndarray of uint8, shape (images, rows)
        Row values, below ``2**pixel_bits``.
    rows_per_clock : int
        Slots of a beat.
    pixel_bits : int
        Width of a row value, 1 to 8.
    tile_rows : int, optional
        Rows of a tile, a multiple of `rows_per_clock`; rows of two tiles never share a beat. All
        by default.

    Returns
    -------
    lines : ndarray of uint8, shape (beats, 2 * rows_per_clock + 1)
        All images, one after another.
    beats : ndarray of int64, shape (images,)
        Beats of each image.

    Raises
    ------
    ValueError
        If a value does not fit `pixel_bits`, or `values` is not a matrix.
    """
    check_values(values, pixel_bits)
    longest = 2 ** distance_bits(pixel_bits) - 1
    lines_of_tile = -(-(tile_rows or max(1, values.shape[1])) // rows_per_clock)
    # For each slot and image: the next free beat, and the step of the row that was driven last.
    places = np.zeros((rows_per_clock, len(values)), dtype=np.int64)
    steps = np.zeros_like(places)
    rows: list[_SlotRows] = []
    for first in range(0, -(-values.shape[1] // rows_per_clock), lines_of_tile):
        begin = places.max(axis=0)  # no row of this tile is driven before
        for slot in range(rows_per_clock):
            part = values[:, slot::rows_per_clock][:, first : first + lines_of_tile]
            rows.append(_place_rows(part, slot, first, longest, begin, places[slot], steps[slot]))
    beats = np.maximum(1, places.max(axis=0))
    return _encode_rows(rows, beats, rows_per_clock, longest), beats


def _place_rows(
    values: npt.NDArray[np.uint8],
    slot: int,
    first: int,
    longest: int,
    begin: Counts,
    places: Counts,
    steps: Counts,
) -> _SlotRows:
    """Assign a tile's non-zero rows to the beats of one slot.

    Parameters
    ----------
    values : ndarray of uint8, shape (images, steps)
        Row values of the tile that the slot drives.
    slot : int
        Number of the slot.
    first : int
        Step of the first value.
    longest : int
        Longest distance of a beat.
    begin : ndarray of int64, shape (images,)
        First beat of the tile.
    places, steps : ndarray of int64, shape (images,)
        Next free beat of the slot, and step of the row that it drove last; updated.
    """
    image, step = np.nonzero(values)
    value = values[image, step]
    step += first
    opens = np.flatnonzero(np.diff(image, prepend=-1) != 0)
    own = image[opens]
    distance = np.diff(step, prepend=0)
    distance[opens] = step[opens] - steps[own]
    # A gap that is too long is crossed in several beats, of which only the last drives a row.
    crossing = np.maximum(0, (distance - 1) // longest)
    place = np.cumsum(crossing + 1)  # counted through all images
    started = np.maximum(begin[own], places[own] + crossing[opens])
    place += np.repeat(started - place[opens], np.diff(opens, append=len(image)))
    ends = np.append(opens[1:], len(image)) - 1
    if len(own):
        places[own] = place[ends] + 1
        steps[own] = step[ends]
    return _SlotRows(slot, image, place, distance, crossing, value)


def _encode_rows(
    rows: list[_SlotRows], beats: Counts, rows_per_clock: int, longest: int
) -> npt.NDArray[np.uint8]:
    """Return the lines of all images: distance and value of each slot, and a flag at the end."""
    starts = np.cumsum(beats) - beats
    lines = np.zeros((int(beats.sum()), 2 * rows_per_clock + 1), dtype=np.uint8)
    for driven in rows:
        crossing = driven.crossing
        at = starts[driven.image] + driven.place
        lines[at, 2 * driven.slot] = driven.distance - crossing * longest
        lines[at, 2 * driven.slot + 1] = driven.value
        for count in range(1, int(crossing.max(initial=0)) + 1):
            lines[at[crossing >= count] - count, 2 * driven.slot] = longest
    lines[starts + beats - 1, -1] = 1
    return lines
