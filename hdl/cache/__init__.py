"""What is made of the gateware, kept from one run to the next, and checked when it is opened."""

from allspin.hdl.cache.builds import (
    CacheSize,
    build_once,
    measure_cache,
    note_path,
    read_note,
    write_note,
)
from allspin.hdl.cache.process import VARIABLE, cache_folder, digest, kept_folder

__all__ = [
    "VARIABLE",
    "CacheSize",
    "build_once",
    "cache_folder",
    "digest",
    "kept_folder",
    "measure_cache",
    "note_path",
    "read_note",
    "write_note",
]
