"""Bodies of IMAGE requests: runs of nonzero values; see ``docs/protocol.md``."""

import itertools

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import (
    MAX_RUN,
    MAX_SKIP,
    PACKED_BITS,
    RUN_BITS,
)
from allspin.sim.errors import check_range
from allspin.sim.network.pixels import quantise_pixels


def encode_pixels(
    pixels: npt.NDArray[np.uint8], pixel_bits: int, wire_bits: int | None = None
) -> list[bytes]:
    """Return the bodies of IMAGE requests for images of a data set.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (images, height, width) or (images, rows)
        Grey levels, 0 to 255.
    pixel_bits : int
        Width of a row value, 1 to 8.
    wire_bits : int, optional
        Width of the machine's row values, at least as large.
    """
    values = quantise_pixels(pixels.reshape(len(pixels), -1), pixel_bits)
    return encode_images(values, wire_bits or pixel_bits)


def image_bytes(pixels: npt.NDArray[np.uint8], pixel_bits: int) -> float:
    """Return the mean bytes of an IMAGE request's body, with the parameters of `encode_pixels`."""
    return float(np.mean([len(body) for body in encode_pixels(pixels, pixel_bits)]))


def encode_images(values: npt.NDArray[np.uint8], pixel_bits: int) -> list[bytes]:
    """Return the bodies of IMAGE requests.

    Parameters
    ----------
    values : ndarray of uint8, shape (images, rows)
        Row values, below ``2**pixel_bits``.
    pixel_bits : int
        Width of a row value, 1 to 8.

    Returns
    -------
    list of bytes
        Body of each image; only nonzero values are coded.

    Raises
    ------
    ValueError
        If a value does not fit `pixel_bits`, or `values` is not a matrix.
    """
    check_values(values, pixel_bits)
    packed = pixel_bits <= PACKED_BITS
    images, rows = values.shape
    flat = values.reshape(-1)
    place = np.flatnonzero(flat)
    image = place // rows
    row = place - image * rows

    # Stretches of neighbouring non-zero rows.
    first = np.flatnonzero((np.diff(place, prepend=-2) != 1) | (row == 0))
    length = np.diff(first, append=place.size)

    # Runs: cut stretches longer than the longest run. With two values in a byte an even cut
    # leaves no nibble empty, so a cut is six, with a rest of up to seven.
    cut = MAX_RUN // 2 * 2 if packed else MAX_RUN
    runs = 1 + np.maximum(0, -(-(length - MAX_RUN) // cut))
    number = np.arange(runs.sum()) - np.repeat(np.cumsum(runs) - runs, runs)
    start = np.repeat(first, runs) + cut * number  # index into place
    run_length = np.diff(start, append=place.size)
    opens = np.diff(image[start], prepend=-1) != 0
    position = np.where(opens, 0, np.roll(row[start] + run_length, 1))
    skip = row[start] - position

    # Each run: headers that only skip, its own header, its values.
    skips = np.maximum(0, skip - 1) // MAX_SKIP
    run_bytes = skips + 1 + ((run_length + 1) // 2 if packed else run_length)
    header = np.cumsum(run_bytes) - run_bytes + skips
    coded = np.full(int(run_bytes.sum()), MAX_SKIP << RUN_BITS, dtype=np.uint8)
    coded[header] = (skip - skips * MAX_SKIP) << RUN_BITS | run_length
    within = np.arange(place.size) - np.repeat(start, run_length)
    base = np.repeat(header + 1, run_length)
    value = flat[place]
    if packed:
        low = within % 2 == 0
        coded[base[low] + within[low] // 2] = value[low]
        coded[base[~low] + within[~low] // 2] |= value[~low] << 4
    else:
        coded[base + within] = value

    content = coded.tobytes()
    ends = np.cumsum(np.bincount(image[start], run_bytes, images).astype(int)).tolist()
    return [content[a:b] for a, b in itertools.pairwise([0, *ends])]


def check_values(values: npt.NDArray[np.uint8], pixel_bits: int) -> None:
    """Raise `ValueError` unless the values are images x rows, and fit `pixel_bits`."""
    pixel_bits = check_range("pixel_bits", pixel_bits, 1, 8)
    if values.ndim != 2:
        raise ValueError(f"values must be images x rows, not of shape {values.shape}")
    if values.size and int(values.max()) >> pixel_bits:
        raise ValueError(f"values must be below {2**pixel_bits}, not up to {int(values.max())}")
