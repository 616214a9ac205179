"""A board that was programmed just now is asked what it is."""

import time
from collections.abc import Callable, Sequence
from dataclasses import fields

from serial.tools import list_ports

from allspin.host.link.machines.opening import open_port
from allspin.host.link.payloads.identity import Identity
from allspin.sim.errors import UserError

PATIENCE = 5.0
"""Seconds in which a board must answer: it loads its flash, and its port may come anew."""
PAUSE = 0.2
"""Seconds between two rounds of asking."""


def ports_of(usb: str) -> list[str]:
    """Serial ports of the USB devices of a vendor and product, such as 0403:6010."""
    vendor, product = (int(word, 16) for word in usb.split(":"))
    found = [port for port in list_ports.comports() if (port.vid, port.pid) == (vendor, product)]
    return sorted(port.device for port in found)


def ask(
    ports: Callable[[], Sequence[str]], baud: int, patience: float = PATIENCE
) -> tuple[str, Identity]:
    """What a board says of itself, on the first of some ports that answers.

    Parameters
    ----------
    ports : callable
        Returns names of ports; called in each round, since a board may come back on another.
    baud : int
        Bits a second.
    patience : float
        Seconds in which one must answer.

    Returns
    -------
    str
        The port.
    Identity
        What it says.

    Raises
    ------
    UserError
        If none answers.
    """
    last = time.monotonic() + patience
    while True:
        why = UserError("its serial port is gone")
        for port in ports():
            try:
                device = open_port(port, baud)
            except UserError as error:
                why = error
            else:
                device.close()
                return device.name, device.identity
        if time.monotonic() > last:
            raise why
        time.sleep(PAUSE)


def differences(found: Identity, expected: Identity) -> str | None:
    """What an identity has that another has not, in words; None if they are equal."""
    texts = [
        f"{field.name.replace('_', ' ')} {getattr(found, field.name)}, "
        f"not {getattr(expected, field.name)}"
        for field in fields(Identity)
        if getattr(found, field.name) != getattr(expected, field.name)
    ]
    return "; ".join(texts) or None
