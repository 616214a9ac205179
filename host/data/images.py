"""Image file as an image of a network."""

import math
from pathlib import Path

from allspin.host.data.framing import FRAMINGS, Framed, frame_image
from allspin.host.data.image_files import colours_of, read_grey, read_image
from allspin.sim.errors import UserError, check_one_of, refused


def load_image(
    path: str | Path, shape: tuple[int, ...] = (28, 28), framing: str | None = None
) -> Framed:
    """Read an image file as a network takes images.

    Parameters
    ----------
    path : str or Path
        PNG, JPEG, GIF, BMP, TIFF, WebP or PPM, of any size, light on dark or dark on light.
    shape : tuple of int
        Height and width of the network's images, and 3 if they have colours.
    framing : str, optional
        ``mnist``: cropped, scaled and centred as MNIST's digits were; ``whole``: scaled as a
        whole. By default the former for 28 x 28 pixels, the latter for others. Colours are scaled
        as a whole, and no light paper becomes dark.

    Returns
    -------
    Framed
        With the image, uint8 of that shape, 0 for paper.

    Raises
    ------
    UserError
        If the framing is unknown, the file cannot be read or is empty, or the network takes lists
        of values or images of other channels.
    """
    if 1 in shape[:2]:
        raise UserError(
            f"the network takes lists of {math.prod(shape)} values, and no images; give one "
            "that was trained on images"
        )
    with refused():
        check_one_of("`framing`", framing or "whole", FRAMINGS)
    height, width, *channels = shape
    if channels:
        if channels != [3] or framing == "mnist":
            raise UserError(
                f"the network takes images of {channels[0]} channels: an image file has 3, and is "
                "scaled as a `whole`"
            )
        colours = read_image(Path(path), lambda image: colours_of(image, height, width))
        return Framed(colours, inverted=False, framing="whole")
    with refused(f"{path}: "):
        return frame_image(read_grey(Path(path)), (height, width), framing)
