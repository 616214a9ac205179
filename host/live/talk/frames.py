"""A message to a page: an object, and bytes that belong to it."""

import json
import struct
from typing import Any

HEAD = struct.Struct("<I")
"""Length of the object as JSON, before it; the bytes follow."""


def encode(said: dict[str, Any], content: bytes = b"") -> str | bytes:
    """A message as a WebSocket carries it: text without bytes, else binary.

    Parameters
    ----------
    said : dict
        Plain values.
    content : bytes
        What belongs to it.
    """
    text = json.dumps(said, separators=(",", ":"), allow_nan=False)
    if not content:
        return text
    head = text.encode()
    return HEAD.pack(len(head)) + head + content
