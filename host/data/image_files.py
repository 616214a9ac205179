"""Grey levels and colours of an image file, decoded by Pillow: a few formats, of one frame."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import refused
from allspin.sim.files import check_file

if TYPE_CHECKING:
    from PIL.Image import Image


Grey = npt.NDArray[np.float32]
Decoded = TypeVar("Decoded")
logging.getLogger("PIL").addHandler(logging.NullHandler())
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""Formats that are read, by Pillow's names; Pillow starts no other program for them."""
MAX_BYTES = 1 << 28
"""Bytes of a file."""
MAX_PIXELS = 1 << 26
"""Pixels of an image: 67 million, of which each takes some bytes."""
MAX_SIDE = 1 << 16
"""Pixels of a side: whatever the other side, each row takes some bytes of its own."""
LARGE = 1024
"""Longest side that is worth keeping, many times those of networks' images."""
WHITE, DEEP = 255, 257
"""Largest grey level, and how many levels of 16 bits one of 8 bits is."""


def _eight_bits(values: npt.NDArray[np.integer], transparent: object) -> "Image":
    """Return an image of 16-bit grey levels with 8 bits, and its transparent level, if any."""
    from PIL import Image

    grey = Image.fromarray(np.clip((values + DEEP // 2) // DEEP, 0, WHITE).astype(np.uint8))
    if transparent is None:
        return grey
    opacity = np.where(values == transparent, 0, WHITE).astype(np.uint8)
    return Image.merge("LA", (grey, Image.fromarray(opacity)))


def _grey(image: "Image") -> "Image":
    """Return a decoded image in 8-bit grey, of Pillow's mode ``L``, or ``LA`` if transparent."""
    transparent = image.info.get("transparency")
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return _eight_bits(np.asarray(image).astype(np.int32), transparent)
    if image.mode in ("I", "F"):
        raise ValueError("it has values of 32 bits; save it with 8 or 16 bits a pixel")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or transparent is not None:
        return image.convert("RGBA").convert("LA")
    return image.convert("L")


def _levels(image: "Image") -> Grey:
    """Return the grey levels of an image, 0 to 255; a large one is reduced by a whole factor."""
    if (factor := max(image.size) // LARGE) > 1:
        image = image.reduce(factor)
    if image.mode == "L":
        return np.asarray(image, np.float32)
    grey, opacity = np.moveaxis(np.asarray(image, np.float32), -1, 0)
    if not opacity.any():
        raise ValueError("it is transparent everywhere")
    # Transparent pixels are paper: dark under light ink, otherwise white.
    paper = 0 if np.average(grey, weights=opacity) > WHITE / 2 else WHITE
    opacity /= WHITE
    return grey * opacity + paper * (1 - opacity)


def read_grey(path: Path) -> Grey:
    """Read the grey levels of an image file.

    Parameters
    ----------
    path : Path
        The file: PNG, JPEG, GIF, BMP, TIFF, WebP or PPM, of one frame.

    Returns
    -------
    ndarray of float32, shape (height, width)
        From 0, black, to 255, white.

    Raises
    ------
    UserError
        If the file cannot be read, is damaged, too large or of another kind.
    """
    return read_image(path, lambda image: _levels(_grey(image)))


def colours_of(image: "Image", height: int, width: int) -> npt.NDArray[np.uint8]:
    """Return red, green and blue, scaled as a whole on black, shape (height, width, 3)."""
    from PIL import Image, ImageOps

    deep = image.mode[0] in "IF"  # Pillow would cut off all bits beyond 8
    colours = (_grey(image) if deep else image).convert("RGBA")
    colours = Image.alpha_composite(Image.new("RGBA", colours.size, "black"), colours)
    padded = ImageOps.pad(colours.convert("RGB"), (width, height), Image.Resampling.BICUBIC)
    return np.asarray(padded)


def read_image(path: Path, decode: Callable[["Image"], Decoded]) -> Decoded:
    """Decode an image file by a function; see `read_grey` for its errors."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    check_file(path, "picture", MAX_BYTES)
    # Pillow raises almost anything at a damaged file, and warns of one that is somewhat too large.
    unreadable = f"{path} is no image that can be read: "
    with refused(unreadable, kinds=Exception), warnings.catch_warnings(action="ignore"):
        try:
            image = Image.open(path, formats=FORMATS)
        except UnidentifiedImageError:
            raise ValueError(
                f"only {', '.join(FORMATS)} are read, and it is none of them"
            ) from None
        with image:
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                raise ValueError(
                    f"it has {width:,} x {height:,} pixels, at most {MAX_PIXELS:,} are read, and "
                    f"{MAX_SIDE:,} on a side"
                )
            if image.format == "TIFF" and image.info.get("compression") != "raw":
                # Its library prints lines of its own.
                raise ValueError("it is a compressed TIFF; save it without compression, or as PNG")
            if getattr(image, "is_animated", False):
                raise ValueError("it has several frames or pages; save one of them")
            ImageOps.exif_transpose(image, in_place=True)
            return decode(image)
