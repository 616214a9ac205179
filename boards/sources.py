"""Digest of the sources and packages that gateware is made of."""

import hashlib
import importlib.metadata
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from allspin.hdl.neuron.neuron_kinds import NEURONS as GATEWARE
from allspin.sim.network.neuron import NEURONS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("sim", "hdl", "boards")
"""Layers whose sources a design is made of."""


def sources_digest() -> str:
    """Return the digest of everything that a design is made of, except its parameters.

    Facts about a design that take time to compute (its RTLIL, its cycles per image) are remembered
    under this digest, which takes milliseconds.
    """
    total = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            total.update(f"{path.relative_to(ROOT)}\0".encode())
            total.update(path.read_bytes() + b"\0")
    for content in sorted(set(_users_sources())):
        total.update(content + b"\0")
    total.update(importlib.metadata.version("amaranth").encode())
    total.update(sys.version.encode())
    return total.hexdigest()


def _users_sources() -> Iterator[bytes]:
    """Sources of neurons that users have registered."""
    for kind in (*NEURONS.values(), *GATEWARE.values()):
        if kind.__module__.startswith("allspin."):
            continue
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        # A class that was typed in has no source, so its digest never repeats.
        yield os.urandom(16) if file is None else Path(file).read_bytes()
