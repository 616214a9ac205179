"""The grey levels of an image file, which may be of any size and from anyone.

Pillow decodes; it is asked for a few formats only, of one frame and a bounded number of pixels,
and whatever it says of a damaged file becomes one line.
"""

import logging
import warnings
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import UserError
from allspin.sim.files.user_file import open_file

if TYPE_CHECKING:
    from PIL.Image import Image

Grey = npt.NDArray[np.float32]

# What Pillow logs of a damaged file would go to stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What is read, by Pillow's names: none of them starts another program."""
MAX_BYTES = 1 << 28
"""Bytes of a file."""
MAX_PIXELS = 1 << 26
"""Pixels of an image: 67 million, of which each takes some bytes."""
LARGE = 1024
"""Longest side that is worth keeping, many times those of networks' images."""
WHITE, DEEP = 255, 257
"""Largest grey level, and how many levels of 16 bits one of 8 bits is."""
SHOWN = 100
"""Characters that a message shows of Pillow's."""


def _eight_bits(values: npt.NDArray[np.integer], transparent: object) -> "Image":
    """An image of 16-bit grey levels, with 8 bits and its one transparent level, if any."""
    from PIL import Image

    grey = Image.fromarray(np.clip((values + DEEP // 2) // DEEP, 0, WHITE).astype(np.uint8))
    if transparent is None:
        return grey
    opacity = np.where(values == transparent, 0, WHITE).astype(np.uint8)
    return Image.merge("LA", (grey, Image.fromarray(opacity)))


def _grey(image: "Image", form: str | None) -> "Image":
    """A decoded image in 8-bit grey, of Pillow's mode ``L``, or ``LA`` with transparency."""
    transparent = image.info.get("transparency")
    if image.mode.startswith("I;16") or (image.mode == "I" and form in ("PNG", "PPM")):
        return _eight_bits(np.asarray(image).astype(np.int32), transparent)
    if image.mode in ("I", "F"):
        raise ValueError("it has values of 32 bits; save it with 8 or 16 bits a pixel")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or transparent is not None:
        return image.convert("RGBA").convert("LA")
    return image.convert("L")


def _levels(image: "Image") -> Grey:
    """Grey levels of a grey image, 0 to 255; a large one becomes smaller by a whole factor."""
    if (factor := max(image.size) // LARGE) > 1:
        image = image.reduce(factor)
    if image.mode == "L":
        return np.asarray(image, np.float32)
    grey, opacity = np.moveaxis(np.asarray(image, np.float32), -1, 0)
    if not opacity.any():
        raise ValueError("it is transparent everywhere")
    # Where nothing is there is paper: dark under light ink, else white.
    paper = 0 if np.average(grey, weights=opacity) > WHITE / 2 else WHITE
    opacity /= WHITE
    return grey * opacity + paper * (1 - opacity)


def _decode(file: BufferedReader) -> Grey:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError(f"only {', '.join(FORMATS)} are read, and it is none of them") from None
    with image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ValueError(
                f"it has {width:,} x {height:,} pixels, at most {MAX_PIXELS:,} are read"
            )
        if image.format == "TIFF" and image.info.get("compression") != "raw":
            # Its library prints lines of its own.
            raise ValueError("it is a compressed TIFF; save it without compression, or as PNG")
        if getattr(image, "is_animated", False):
            raise ValueError("it has several frames or pages; save one of them")
        image.load()
        return _levels(_grey(ImageOps.exif_transpose(image), image.format))


def read_grey(path: Path) -> Grey:
    """Grey levels of an image file.

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
        If Pillow is missing, or the file cannot be read, is damaged, too large or of another kind.
    """
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise UserError("images need Pillow: pip install 'allspin[images]'") from None
    file, _ = open_file(path, "picture", MAX_BYTES)
    with file, warnings.catch_warnings():
        # Of an image that is somewhat too large; one that is far too large raises.
        warnings.simplefilter("ignore")
        try:
            return _decode(file)
        except Exception as error:  # Pillow raises almost anything at a damaged file.
            words = " ".join(str(error).split()) or type(error).__name__
            words = words if len(words) <= SHOWN else f"{words[:SHOWN]}..."
            raise UserError(f"{path} is no image that can be read: {words}") from error
