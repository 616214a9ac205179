"""The code of resident images, row by row: the reference for the fast coder."""

from collections.abc import Sequence

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.profile import distance_bits
from allspin.hdl.resident.beat_memory import COLUMN_LINES, PLANE_LINES, column_widths

Line = tuple[int, ...]
"""Distance and value of each slot, then whether the beat is its image's last."""


def pack_image(
    values: Sequence[int], slots: int, value_bits: int, tile_rows: int | None = None
) -> list[Line]:
    """An image's beats.

    Parameters
    ----------
    values : sequence of int
        Value of every row.
    slots : int
        Rows that are driven in a clock.
    value_bits : int
        Width of a value.
    tile_rows : int, optional
        Rows of a tile; rows of two tiles never share a beat. All rows by default.
    """
    longest = 2 ** distance_bits(value_bits) - 1
    queues: list[list[tuple[int, int]]] = [[] for _ in range(slots)]
    steps = [0] * slots
    tile_rows = tile_rows or len(values)
    for first in range(0, len(values), tile_rows):
        begin = max(map(len, queues))  # no row of this tile is driven before
        for slot, queue in enumerate(queues):
            for row in range(first + slot, min(first + tile_rows, len(values)), slots):
                if values[row]:
                    gap = []
                    while row // slots - steps[slot] > longest:
                        gap.append((longest, 0))
                        steps[slot] += longest
                    queue += [(0, 0)] * (begin - len(queue) - len(gap)) + gap
                    queue.append((row // slots - steps[slot], values[row]))
                    steps[slot] = row // slots
    count = max(1, *map(len, queues))
    beats = zip(*(queue + [(0, 0)] * (count - len(queue)) for queue in queues), strict=True)
    flat = [tuple(number for part in beat for number in part) for beat in beats]
    return [(*beat, int(number == count - 1)) for number, beat in enumerate(flat)]


def unpack_images(lines: Sequence[Line], rows: int) -> list[list[int]]:
    """The images that beats drive; of a row that is driven twice, both values add."""
    images = []
    image = [0] * rows
    steps: list[int] = []
    for *parts, last in lines:
        slots = len(parts) // 2
        steps = steps or [0] * slots
        for slot in range(slots):
            steps[slot] += parts[2 * slot]
            if parts[2 * slot + 1]:
                image[steps[slot] * slots + slot] += parts[2 * slot + 1]
        if last:
            images.append(image)
            image, steps = [0] * rows, []
    return images


def beat_blocks(parameters: CrossbarParameters, beats: int) -> int:
    """Block RAMs of an ECP5 that a memory of so many beats takes."""
    columns = len(column_widths(parameters))
    return columns * -(-beats // COLUMN_LINES) + -(-beats // PLANE_LINES)


def most_beats(parameters: CrossbarParameters, blocks: int) -> int:
    """Beats that fit so many block RAMs of an ECP5, in whole blocks; 0 if not one."""
    columns = len(column_widths(parameters))
    banks = blocks // columns
    while banks and beat_blocks(parameters, banks * COLUMN_LINES) > blocks:
        banks -= 1
    return banks * COLUMN_LINES
