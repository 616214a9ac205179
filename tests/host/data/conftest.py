"""Checks of refused files, and ways to damage content."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from allspin.sim.errors import UserError


def refusal(read: Callable[[Any], object], path: Path | None) -> str:
    """Why a file is not read, in one line."""
    with pytest.raises(UserError) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < len(str(path)) + 300
    return text


def damaged(data: st.DataObject, content: bytes) -> bytes:
    """Some pieces of a content replaced by others."""
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(changed)))
        stop = data.draw(st.integers(start, min(start + 4, len(changed))))
        changed[start:stop] = data.draw(st.binary(max_size=4))
    return bytes(changed)
