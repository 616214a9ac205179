"""Cache of builds and facts about the gateware, checked whenever an entry is opened."""

from allspin.hdl.cache.builds import build_once
from allspin.hdl.cache.folder import VARIABLE, cache_folder, digest, kept_folder
from allspin.hdl.cache.limit import CacheSize, measure_cache
from allspin.hdl.cache.notes import note_path, read_note, write_note

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
