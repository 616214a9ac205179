"""The sources that gateware is made of, as one digest."""

import hashlib
import importlib.metadata
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from allspin.hdl.neuron.neuron import NEURONS as GATEWARE
from allspin.sim.network.neuron import NEURONS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("sim", "hdl", "boards")
"""Whose sources a design is made of."""


def sources_digest() -> str:
    """Digest of everything that a design is made of, except its parameters.

    What it takes a while to find of a design (its RTLIL, its cycles per image) is remembered under
    this digest, which takes milliseconds.
    """
    total = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            total.update(f"{path.relative_to(ROOT)}\0".encode())
            total.update(path.read_bytes() + b"\0")
    for content in sorted(set(_of_users())):
        total.update(content + b"\0")
    total.update(importlib.metadata.version("amaranth").encode())
    total.update(sys.version.encode())
    return total.hexdigest()


def _of_users() -> Iterator[bytes]:
    """The sources of neurons that come from elsewhere."""
    for kind in (*NEURONS.values(), *GATEWARE.values()):
        if kind.__module__.startswith("allspin."):
            continue
        place = getattr(sys.modules.get(kind.__module__), "__file__", None)
        # Of what was typed in, nothing can be found again.
        yield os.urandom(16) if place is None else Path(place).read_bytes()
