"""Emulator of an all-spin neural network in gateware, with its training and its golden model."""

from pathlib import Path

_here = Path(__file__).resolve().parent
if not (_here / "sim").is_dir():
    # A checkout, where the layers lie beside this folder.
    __path__.append(str(_here.parent))
