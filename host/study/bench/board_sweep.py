"""``python -m allspin.host.study.bench.board_sweep``: how long a sweep on a board takes.

A virtual board of the 85F's `chips` machine is shown all images, and counts: bytes that go to it,
clocks of the runs. Behind a simulated UART it shows, on few images, what a group of requests takes
whose answers are not waited for.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.boards.profiles import ECP5_85
from allspin.hdl.memory_map import ENGINE, REDRAW
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.link.machines.chip_programming import REDRAW_LINE, ChipMaker
from allspin.host.link.machines.linked import LinkedMachine
from allspin.host.link.machines.opening import virtual_program
from allspin.host.link.machines.resident_chips import ResidentChips
from allspin.host.link.virtual.board import VirtualTransport
from allspin.host.link.wire.transport import BITS_PER_BYTE
from allspin.host.link.wire.uart import UartOptions
from allspin.host.show.say import say
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.programming.schemes import Programming

MACHINE = ECP5_85["chips"]
UART = UartOptions(baud=3_000_000, frequency=MACHINE.frequency)
CHIPS = 100
FEW = 8
"""Images that are shown behind the UART, whose every clock is simulated."""

Images = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counted:
    """What was counted, of all images.

    Attributes
    ----------
    images, batches : int
        Images, and how many times the board was filled.
    image_bytes : int
        Bytes to the board for them, labels and frames included.
    chip_bytes : int
        The same for a chip in a batch.
    first_bytes : int
        The same for the first chip: tables and states.
    run_clocks : int
        Clocks of a chip's runs over all images.
    redraw_clocks : int
        Of one redraw.
    """

    images: int
    batches: int
    image_bytes: int
    chip_bytes: int
    first_bytes: int
    run_clocks: int
    redraw_clocks: int

    def seconds(self, chips: int) -> float:
        """Seconds of a sweep: each batch, then the slower of link and machine for each chip."""
        rate = UART.baud / BITS_PER_BYTE
        run = self.run_clocks / self.batches
        each = max(self.chip_bytes / rate, (self.redraw_clocks + run) / UART.frequency)
        return (self.first_bytes + self.image_bytes) / rate + chips * self.batches * each


class _CountedTransport(VirtualTransport):
    """A virtual board that counts what it is sent."""

    carried = 0

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """As of any stream."""
        sent, received = super().exchange(data, timeout)
        self.carried += sent
        return sent, received


@dataclass(frozen=True, eq=False)
class _Work:
    """What is shown to chips of what."""

    network: Network
    device: Device
    images: Images
    labels: Integers

    def show(self, machine: LinkedMachine, chips: int, images: int) -> Any:
        """The first images, to the first chips."""
        maker = ChipMaker(machine, self.network, self.device, Programming())
        seeds = [Chip(self.device, seed) for seed in range(chips)]
        made = [(chip, chip.varied(self.network)) for chip in seeds]
        many = ResidentChips(machine, maker)
        return many.run(made, self.images[:images], self.labels[:images])


def count(work: _Work) -> Counted:
    """Show all images to one chip, and some to several, on a virtual board without a UART."""
    program = virtual_program(work.network, MACHINE.hardware)
    carried, found = [], []
    for chips, images in ((1, 1), (3, 1), (2, len(work.images))):
        transport = _CountedTransport(program)
        with LinkedMachine(transport) as machine:
            before = transport.carried
            found.append(work.show(machine, chips, images)[-1])
            carried.append(transport.carried - before)
            kept = machine.identity.resident_images
            most = machine.identity.resident_beats
    one, three, all_images = carried
    batches = _batches(work, kept, most)
    chip_bytes = (three - one) // 2
    first = one - chip_bytes
    return Counted(
        images=len(work.images),
        batches=batches,
        image_bytes=all_images - first - 2 * batches * chip_bytes,
        chip_bytes=chip_bytes,
        first_bytes=first,
        run_clocks=found[-1].cycles,
        redraw_clocks=0,
    )
