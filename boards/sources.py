"""The sources that gateware is made of, as one digest."""

import hashlib
import importlib.metadata
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("sim", "hdl", "boards")
"""Whose sources a design is made of."""


def sources_digest() -> str:
    """Digest of everything that a design is made of, except its parameters.

    What it takes a while to find of a design (its RTLIL, its clocks an image) is remembered under
    this digest, which takes milliseconds.
    """
    total = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            total.update(f"{path.relative_to(ROOT)}\0".encode())
            total.update(path.read_bytes() + b"\0")
    total.update(importlib.metadata.version("amaranth").encode())
    total.update(sys.version.encode())
    return total.hexdigest()
