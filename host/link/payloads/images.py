"""The sparse code of images, a whole batch at once."""

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import MAX_RUN, MAX_SKIP, PACKED_BITS, RUN_BITS
from allspin.sim.network.levels import check_range
from allspin.sim.network.pixels import quantise_pixels

BATCH = 4096
"""Images coded at a time; it bounds the memory that intermediate arrays take."""


def encode_pixels(pixels: npt.NDArray[np.uint8], pixel_bits: int) -> list[bytes]:
    """Bodies of IMAGE requests of images as a data set has them.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (images, height, width) or (images, rows)
        Grey levels, 0 to 255.
    pixel_bits : int
        Width of a row value, 1 to 8.
    """
    values = quantise_pixels(pixels.reshape(len(pixels), -1), pixel_bits)
    return encode_images(values, pixel_bits)


def image_bytes(pixels: npt.NDArray[np.uint8], pixel_bits: int) -> float:
    """Mean bytes of an IMAGE request's body; the parameters are those of `encode_pixels`."""
    return float(np.mean([len(body) for body in encode_pixels(pixels, pixel_bits)]))


def encode_images(values: npt.NDArray[np.uint8], pixel_bits: int) -> list[bytes]:
    """Bodies of IMAGE requests.

    Parameters
    ----------
    values : ndarray of uint8, shape (images, rows)
        Row values, below ``2**pixel_bits``.
    pixel_bits : int
        Width of a row value, 1 to 8.

    Returns
    -------
    list of bytes
        One body an image; no value in it is zero.

    Raises
    ------
    ValueError
        If a value does not fit `pixel_bits`, or `values` is not a matrix.
    """
    check_values(values, pixel_bits)
    bodies = []
    for start in range(0, len(values), BATCH):
        bodies += _encode_batch(values[start : start + BATCH], pixel_bits <= PACKED_BITS)
    return bodies


def check_values(values: npt.NDArray[np.uint8], pixel_bits: int) -> None:
    """Raise `ValueError` unless these are images x rows, of values that fit `pixel_bits`."""
    pixel_bits = check_range("pixel_bits", pixel_bits, 1, 8)
    if values.ndim != 2:
        raise ValueError(f"values must be images x rows, not of shape {values.shape}")
    if values.size and int(values.max()) >> pixel_bits:
        raise ValueError(f"values must be below {2**pixel_bits}, not up to {int(values.max())}")


def _encode_batch(values: npt.NDArray[np.uint8], packed: bool) -> list[bytes]:
    images, rows = values.shape
    flat = np.ascontiguousarray(values).reshape(-1)
    place = np.flatnonzero(flat)
    if place.size == 0:
        return [b""] * images
    image = place // rows
    row = place - image * rows

    # Stretches of neighbouring non-zero rows.
    begins = np.empty(place.size, dtype=bool)
    begins[0] = True
    begins[1:] = (np.diff(place) != 1) | (row[1:] == 0)
    first = np.flatnonzero(begins)
    length = np.diff(first, append=place.size)

    # Runs: a stretch is cut where it is longer than a run may be. With two values in a byte
    # an even cut leaves no nibble empty, so it is six but for a rest of seven.
    cut = MAX_RUN // 2 * 2 if packed else MAX_RUN
    runs = 1 + np.maximum(0, -(-(length - MAX_RUN) // cut))
    number = np.arange(runs.sum()) - np.repeat(np.cumsum(runs) - runs, runs)
    start = np.repeat(first, runs) + cut * number  # index into place
    run_length = np.diff(start, append=place.size)
    run_image = image[start]
    new_image = np.empty(start.size, dtype=bool)
    new_image[0] = True
    new_image[1:] = np.diff(run_image) != 0
    after = row[start] + run_length
    position = np.empty(start.size, dtype=np.int64)
    position[0] = 0
    position[1:] = after[:-1]
    position[new_image] = 0
    skip = row[start] - position

    # Each run: headers that only skip, its own header, its values.
    skips = np.maximum(0, skip - 1) // MAX_SKIP
    run_bytes = skips + 1 + ((run_length + 1) // 2 if packed else run_length)
    end = np.cumsum(run_bytes)
    header = end - run_bytes + skips
    coded = np.full(int(end[-1]), MAX_SKIP << RUN_BITS, dtype=np.uint8)
    coded[header] = (skip - skips * MAX_SKIP) << RUN_BITS | run_length
    within = np.arange(place.size) - np.repeat(start, run_length)
    base = np.repeat(header + 1, run_length)
    value = flat[place]
    if packed:
        low = within % 2 == 0
        coded[base[low] + within[low] // 2] = value[low]
        high = ~low
        coded[base[high] + within[high] // 2] |= value[high] << 4
    else:
        coded[base + within] = value

    content = coded.tobytes()
    last_run = np.searchsorted(run_image, np.arange(images), side="right") - 1
    ends = np.where(last_run >= 0, end[last_run], 0).tolist()
    return [content[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]
