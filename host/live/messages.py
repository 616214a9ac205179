"""Messages between page and server: their format, and the checks of a page's words."""

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from allspin.host.live.choices import Choices, PageSetting
from allspin.host.live.drawing import GRID
from allspin.host.show.say import printable
from allspin.host.show.version import version
from allspin.sim.errors import check_one_of, check_range
from allspin.sim.programming.schemes import SCHEMES

HEAD = struct.Struct("<I")
"""Length of the object as JSON, in front of it; the bytes follow."""


def encode(said: dict[str, Any], content: bytes = b"") -> str | bytes:
    """Encode a message to a page for a WebSocket: text without bytes, else binary.

    Parameters
    ----------
    said : dict
        Plain values.
    content : bytes
        Bytes that belong to the object.
    """
    text = json.dumps(said, separators=(",", ":"), allow_nan=False)
    head = text.encode()
    return HEAD.pack(len(head)) + head + content if content else text


MAX_BYTES = 1 << 16
"""Most bytes of a message from a page."""
MAX_STROKES, MAX_POINTS = 200, 2000
"""Most strokes and points of a drawing."""
MAX_CHIPS = 1000
"""Most chips that a page may ask for."""
KINDS = ("choose", "show", "chips", "save")


@dataclass(frozen=True)
class Show:
    """Request to show an image.

    Attributes
    ----------
    serial : int
        Number of the request, which the answer repeats.
    test : int or None
        Number of a test image; None for a drawing.
    strokes : tuple of tuple of int
        The drawing, as of `allspin.host.live.flow.raster`.
    use : int
        Number of a drawing's use of the neurons; a test image has its own number.
    """

    serial: int
    test: int | None
    strokes: tuple[tuple[int, ...], ...] = ()
    use: int = 0


Message = PageSetting | Show | int | None
"""A setting; an image; a number of chips to score; or None, to save all values as an npz."""


def read(text: str, kinds: Iterable[str]) -> tuple[str, dict[str, Any]]:
    """Return the kind of a page's message, and the message; raise `ValueError` if it is invalid.

    Parameters
    ----------
    text : str
        JSON, an object with ``kind``.
    kinds : iterable of str
        Valid kinds.
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("a message must be JSON") from None
    if not isinstance(said, dict):
        raise ValueError("a message must be an object")
    kind = str(said.get("kind"))[:40]
    check_one_of("kind", kind, kinds)
    return kind, said


def parse(text: str, choices: Choices) -> Message:
    """Check a page's message.

    Parameters
    ----------
    text : str
        JSON, an object with ``kind``.
    choices : Choices
        Networks, machines and images that pages may choose.

    Raises
    ------
    ValueError, TypeError
        If the message is invalid; the error is one line.
    """
    kind, said = read(text, KINDS)
    if kind == "choose":
        if not isinstance(said.get("setting"), dict):
            raise ValueError("a setting must be an object")
        return choices.setting(said["setting"])
    if kind == "show":
        return _show(said, len(choices.images))
    return check_range("count", said.get("count"), 0, MAX_CHIPS) if kind == "chips" else None


def _show(said: Mapping[str, Any], images: int) -> Show:
    serial = check_range("serial", said.get("serial"), 0, 2**53)
    if said.get("test") is not None:
        return Show(serial, check_range("test", said["test"], 0, images - 1))
    use = check_range("use", said.get("use", 0), 0, 2**31)
    given = said.get("strokes", [])
    if not isinstance(given, list) or len(given) > MAX_STROKES:
        raise ValueError(f"strokes must be a list of at most {MAX_STROKES}")
    if not all(isinstance(stroke, list) and stroke and len(stroke) % 2 == 0 for stroke in given):
        raise ValueError("a stroke must be a list of coordinates, an x and a y of each point")
    if sum(map(len, given)) > 2 * MAX_POINTS:
        raise ValueError(f"a drawing must have at most {MAX_POINTS} points")
    strokes = (
        tuple(check_range("a coordinate", value, 0, GRID) for value in stroke) for stroke in given
    )
    return Show(serial, None, tuple(strokes), use)


def hello(choices: Choices) -> dict[str, Any]:
    """Return the first message to a page: all choices, and the setting at first.

    Parameters
    ----------
    choices : Choices
        Networks, machines and images that pages may choose.
    """
    return {
        "kind": "hello",
        "version": version(),
        "networks": list(choices.networks),
        "machines": list(choices.machines),
        "schemes": [{"name": name, "about": about} for name, about in SCHEMES.items()],
        "device": printable(choices.device.name),
        "knobs": [asdict(knob) for knob in choices.knobs],
        "tests": len(choices.images),
        "setting": asdict(choices.usual()),
        "grid": GRID,
        "most": {"strokes": MAX_STROKES, "points": MAX_POINTS, "chips": MAX_CHIPS},
    }
