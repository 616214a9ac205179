"""The process's stdout and stderr: there, able to take any text, and perhaps without a reader."""

import contextlib
import io
import os
import select
import sys
from typing import TextIO


def prepare_streams() -> None:
    """Let nothing that is printed fail for its characters, nor for a stream that is closed.

    Where a stream's encoding lacks a character, its escape is written.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Else the next file that is opened would be printed into. It gets this number, as
            # the lowest that is free.
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence_streams(*streams: TextIO) -> None:
    """Let nothing that is left in their buffers fail again when Python exits."""
    with open(os.devnull, "w") as nowhere, contextlib.suppress(OSError):
        for stream in streams:
            os.dup2(nowhere.fileno(), stream.fileno())


def reader_has_gone() -> bool:
    """Whether it is stdout or stderr that lost its reader, and no other pipe."""
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            poll.register(stream.fileno(), 0)
    return bool(poll.poll(0))
