"""Small images as PNG within a page."""

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's colour type by the number of samples a pixel: grey or colour, without or with alpha."""


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """An image as a PNG file's content; equal images give equal bytes.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width) or (height, width, samples)
        Grey levels; or 1 to 4 samples: grey, grey and alpha, RGB, RGBA.
    """
    cube = pixels.reshape(*pixels.shape[:2], -1)
    height, width, samples = cube.shape
    # Each line starts with the number of its filter: none.
    lines = np.pad(cube.reshape(height, width * samples), ((0, 0), (1, 0)))
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[samples], 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9))
        + _chunk(b"IEND", b"")
    )


def data_address(pixels: npt.NDArray[np.uint8]) -> str:
    """An image as an address that holds it whole."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()
