"""An image file as an image of a network."""

from pathlib import Path

from allspin.host.data.image_files.framing import FRAMINGS, Framed, frame_image
from allspin.host.data.image_files.grey import read_grey
from allspin.sim.device.checks import check_reading
from allspin.sim.errors import UserError, refused


def load_image(
    path: str | Path, shape: tuple[int, int] = (28, 28), framing: str | None = None
) -> Framed:
    """Read an image file as a network takes images.

    Parameters
    ----------
    path : str or Path
        PNG, JPEG, GIF, BMP, TIFF, WebP or PPM, of any size, light on dark or dark on light.
    shape : tuple of int
        Height and width of the network's images.
    framing : str, optional
        ``mnist``: cropped, scaled and centred as MNIST's digits were; ``whole``: scaled as a
        whole. By default the former for 28 x 28 pixels, the latter for others.

    Returns
    -------
    Framed
        With the image, uint8 of that shape, 0 for paper.

    Raises
    ------
    UserError
        If there is no such framing, Pillow is missing, the file cannot be read or shows nothing,
        or the network has no images but lists of values.
    """
    if 1 in shape:
        raise UserError(
            f"the network takes lists of {shape[0] * shape[1]} values, and no images; give one "
            "that was trained on images"
        )
    if framing is not None:
        with refused():
            check_reading("`framing`", framing, FRAMINGS)
    grey = read_grey(Path(path))
    with refused(f"{path}: "):
        return frame_image(grey, shape, framing)
