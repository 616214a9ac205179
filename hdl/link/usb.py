"""Serial port on USB at full speed: LUNA's CDC-ACM device, and the crossing to the machine's clock.

LUNA (greatscottgadgets/luna, BSD-3-Clause) is the extra ``usb``; no other file needs it.
"""

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import (
    DomainRenamer,
    EnableInserter,
    Fragment,
    Module,
    Mux,
    ResetInserter,
    ResetSignal,
    Signal,
)
from amaranth.lib import stream
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.fifo import AsyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.protocol import PRODUCT, VENDOR
from allspin.hdl.stream.component import Component
from allspin.sim.systems import naming_extras

CLOCK = 48_000_000
"""Frequency of ``usb_io`` in Hz: four samples per bit."""
FIFO_BYTES = 16


class UsbPort(Component):
    """Exchange bytes with a host, which sees a serial port.

    The device is in ``usb_io``, at 48 MHz, and advances in every fourth clock; only the sampling of
    the wires advances in each. The machine's side is in ``sync``. A packet goes to the host when it
    is full, and after each byte of 0, which ends a frame of the link.

    Throughput: a packet of 64 bytes in some 640 bits on the wire.

    Parameters
    ----------
    product : str
        Product name that the host shows.
    """

    def __init__(self, product: str) -> None:
        self._product = product
        super().__init__(
            {
                # Bytes; USB makes the host wait while they are not taken.
                "received": Out(stream.Signature(8)),
                "sent": In(stream.Signature(8)),
                # The two wires: D+ in bit 0, D- in bit 1; driven while `driven`.
                "wires_in": In(2),
                "wires_out": Out(2),
                "driven": Out(1),
                # Pull D+ up, so that the host sees a device.
                "attached": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the device."""
        wires = [SimpleNamespace(i=Signal(), o=Signal(), oe=Signal()) for _ in range(2)]
        device = find_luna()(
            bus=SimpleNamespace(
                d_p=wires[0], d_n=wires[1], pullup=SimpleNamespace(o=self.attached)
            ),
            idVendor=VENDOR,
            idProduct=PRODUCT,
            manufacturer_string="allspin",
            product_string=self._product,
            serial_number=0,
        )
        # LUNA names an endpoint by its address in memory, which differs from build to build.
        whole: Any = Fragment.get(device, platform)
        [(usb, *_)] = whole.subfragments
        usb.subfragments = [
            (part, f"{name.rstrip('_0123456789')}_{place}", *others)
            for place, (part, name, *others) in enumerate(usb.subfragments)
        ]
        # LUNA samples the wires in more than one register.
        level = Signal(2)
        m.submodules.synchronizer = FFSynchronizer(self.wires_in, level, o_domain="usb_io")
        for place, wire in enumerate(wires):
            m.d.comb += [wire.i.eq(level[place]), self.wires_out[place].eq(wire.o)]

        quarter = Signal(2)
        moves = Signal()
        low = Signal(6)
        m.d.usb_io += quarter.eq(quarter + 1)
        m.d.comb += [
            self.driven.eq(wires[0].oe),
            device.connect.eq(~ResetSignal("usb_io")),
            moves.eq(quarter == 0),
        ]
        # A bus reset: both wires low for 63 bits (2.5 us at least, 7.1.7.5). LUNA then forgets its
        # address but no endpoint's toggle, and would take the next host's first packet for an old
        # one. Its reset begins in the same quarter, since LUNA counts quarters of its own.
        with m.If(quarter.all()):
            m.d.usb_io += low.eq(Mux(level == 0, low + ~low.all(), 0))
        m.submodules.device = ResetInserter({"usb_io": low.all()})(
            DomainRenamer({"usb": "usb_io"})(EnableInserter({"usb": moves})(whole))
        )

        m.submodules.coming = coming = AsyncFIFOBuffered(
            width=8, depth=FIFO_BYTES, w_domain="usb_io", r_domain="sync"
        )
        m.submodules.going = going = AsyncFIFOBuffered(
            width=8, depth=FIFO_BYTES, w_domain="sync", r_domain="usb_io"
        )
        m.d.comb += [
            coming.w_data.eq(device.rx.payload),
            coming.w_en.eq(device.rx.valid & moves),
            device.rx.ready.eq(coming.w_rdy),
            self.received.payload.eq(coming.r_data),
            self.received.valid.eq(coming.r_rdy),
            coming.r_en.eq(self.received.ready),
            going.w_data.eq(self.sent.payload),
            going.w_en.eq(self.sent.valid),
            self.sent.ready.eq(going.w_rdy),
            device.tx.payload.eq(going.r_data),
            device.tx.valid.eq(going.r_rdy),
            device.tx.last.eq(going.r_data == 0),
            going.r_en.eq(device.tx.ready & moves),
        ]


def find_luna() -> type[Any]:
    """Return the class of LUNA's serial device.

    Raises
    ------
    MissingPackage
        If LUNA is not installed.
    """
    with naming_extras():
        from luna.gateware.usb.devices.acm import USBSerialDevice
    return USBSerialDevice
