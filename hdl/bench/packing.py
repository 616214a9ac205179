"""The code of resident images, row by row: what the fast coder is held against."""

from collections.abc import Sequence

from allspin.hdl.parameters import distance_bits

Line = tuple[int, ...]
"""Distance and value of each slot, then whether the beat is its image's last."""


def pack_image(values: Sequence[int], slots: int, value_bits: int) -> list[Line]:
    """An image's beats.

    Parameters
    ----------
    values : sequence of int
        Of every row.
    slots : int
        Rows that are driven in a clock.
    value_bits : int
        Width of a value.
    """
    longest = 2 ** distance_bits(value_bits) - 1
    queues: list[list[tuple[int, int]]] = []
    for slot in range(slots):
        queue = []
        step = 0
        for row in range(slot, len(values), slots):
            if values[row]:
                while row // slots - step > longest:
                    queue.append((longest, 0))
                    step += longest
                queue.append((row // slots - step, values[row]))
                step = row // slots
        queues.append(queue)
    beats = []
    while not beats or any(queues):
        parts = [queue.pop(0) if queue else (0, 0) for queue in queues]
        beats.append(tuple(number for part in parts for number in part))
    return [(*beat, int(number == len(beats) - 1)) for number, beat in enumerate(beats)]


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
