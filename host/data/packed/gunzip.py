"""Gzip files, unpacked no further than they are read.

Python's `gzip` reads the name in a file's head and what pads its end byte by byte, and has no
limit on either.
"""

import os
import zlib
from typing import BinaryIO

MAGIC = b"\x1f\x8b"
MOST_PACKED = 1032
"""Bytes that one of a gzip file can stand for at most (zlib's manual)."""
CHUNK = 1 << 16
"""Packed bytes that are taken at a time, and a sixteenth of the unpacked ones."""
TRAILER = 4
"""Bytes at the end: the size of what is unpacked, modulo 2^32."""


class Gunzip:
    """What a gzip file holds, as far as it is read; its end is checked when that is reached.

    Parameters
    ----------
    file : BinaryIO
        The packed file. Several gzip files in a row are not taken for one.

    Attributes
    ----------
    size : int
        Bytes that it unpacks to, modulo 2^32, as the file says.
    """

    def __init__(self, file: BinaryIO) -> None:
        file.seek(max(file.seek(0, os.SEEK_END) - TRAILER, 0))
        self.size = int.from_bytes(file.read(TRAILER), "little")
        file.seek(0)
        self._file = file
        self._packed = b""
        self._unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)  # with a gzip file's head

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer; fewer bytes than it has come at the end only.

        Raises
        ------
        EOFError
            If the file ends in the middle, or something follows.
        zlib.error
            If it is damaged.
        """
        filled = 0
        while filled < len(buffer) and not self._unpacker.eof:
            self._packed = self._packed or self._file.read(CHUNK)
            wanted = min(len(buffer) - filled, 16 * CHUNK)
            part = self._unpacker.decompress(self._packed, wanted)
            if not part and not self._packed:
                raise EOFError
            self._packed = self._unpacker.unconsumed_tail
            buffer[filled : filled + len(part)] = part
            filled += len(part)
        if self._unpacker.unused_data or (self._unpacker.eof and self._file.read(1)):
            raise EOFError
        return filled
