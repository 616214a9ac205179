"""``python -m tests.bench.board_sweep``: duration of a sweep on a board.

The virtual board of the 85F's `chips` machine, behind a simulated UART, makes a few chips and shows
them a few images: clocks of a redraw, of a run, and of a chip whose requests are sent while the one
before is under way. The bytes of all images are counted as they would be sent.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from allspin.boards.profiles import ECP5_85
from allspin.hdl.link.protocol import HEADER_BYTES
from allspin.hdl.parameters.memory_map import ENGINE, LABELS, REDRAW, RESIDENT_BEATS
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.link.frames import encode_frame
from allspin.host.link.memories import COUNTER_BYTES, Memory
from allspin.host.link.transport import BITS_PER_BYTE
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.chip_memories import REDRAW_LINE
from allspin.host.machines.image_beats import pack_images
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import open_virtual
from allspin.host.show.say import say
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.programming.program import program

MACHINE = ECP5_85["chips"]
BAUD = 3_000_000
UART = UartOptions(baud=BAUD, frequency=MACHINE.frequency)
CHIPS = 100
FEW = 20
"""Images that are shown, since each clock of the UART is simulated."""
MORE = 4
"""Chips that follow the first two."""

Integers = npt.NDArray[np.int64]


def _frames(machine: LinkedMachine, memories: Sequence[Memory]) -> int:
    """Bytes of the frames that write memories."""
    head = bytes(range(1, HEADER_BYTES + 1))
    return sum(len(encode_frame(head + body)) for body in machine.writes(memories))


def _batches(beats: Integers, most: int, images: int) -> Iterator[slice]:
    """Images that a board holds at a time."""
    ends = np.cumsum(beats)
    first = 0
    while first < len(beats):
        room = most + (ends[first - 1] if first else 0)
        last = min(first + images, int(np.searchsorted(ends, room, side="right")))
        yield slice(first, last)
        first = last


def _asked(machine: LinkedMachine) -> float:
    """Clocks of the bits of a redraw's request and its answer: of one that takes no time itself."""
    machine.start_stopwatch()
    machine.clear_counters()
    longer = (COUNTER_BYTES - REDRAW_LINE.nbytes) * BITS_PER_BYTE / BAUD
    return (machine.elapsed_clocks() or 0) - longer * UART.frequency


def main() -> int:
    """Count on the virtual board, and print the table of docs/performance.md."""
    images, labels = load_test_set(None)
    network, device = open_network("mnist-10"), open_device("paper")
    chips = [program(network, device, seed) for seed in range(2 + MORE)]
    with open_virtual(network, MACHINE.hardware, UART) as machine:
        clocks, per_image = [], 0.0
        for made in (chips[:2], chips[:2], chips):
            machine.start_stopwatch()
            shown = machine.classify_together(made, images[:FEW], labels[:FEW])
            per_image = shown[-1].cycles_per_image
            clocks.append(machine.elapsed_clocks() or 0)
        machine.start_stopwatch()
        machine.write(ENGINE << 4 | REDRAW, 0, REDRAW_LINE.tobytes())
        # Without those of its request.
        redraw = (machine.elapsed_clocks() or 0) - _asked(machine)
        identity = machine.identity
        slots, bits = identity.layers[0].rows_per_clock, identity.pixel_bits
        values = quantise_pixels(images.reshape(len(images), -1), bits)
        words = labels.astype("<u2")[:, np.newaxis].view(np.uint8)
        beats = pack_images(values, slots, bits)[1]
        batches = [*_batches(beats, identity.resident_beats, identity.resident_images)]
        sent = sum(
            _frames(
                machine,
                [
                    (ENGINE << 4 | RESIDENT_BEATS, pack_images(values[batch], slots, bits)[0]),
                    (ENGINE << 4 | LABELS, words[batch]),
                ],
            )
            for batch in batches
        )
    # The first chip with its states and tables, and one that follows another, for one batch.
    first, chip = clocks[0] - clocks[1], (clocks[2] - clocks[1]) / MORE
    rate, count = BAUD / BITS_PER_BYTE, len(batches)
    busy = redraw + per_image * len(images) / count
    # The slower of link and machine.
    whole = sent / rate + (first + CHIPS * count * max(chip, busy)) / UART.frequency
    rows = (
        (
            f"{len(images):,} images, {count} batches",
            f"{sent / len(images):.0f} bytes an image",
            sent / rate,
        ),
        (
            "the first chip, states and tables",
            f"{first / UART.frequency * rate:,.0f} bytes' time",
            first / UART.frequency,
        ),
        (
            f"{CHIPS} chips, each in {count} batches: the link",
            f"{chip:,.0f} clocks a chip and batch",
            CHIPS * count * chip / UART.frequency,
        ),
        (
            "the machine meanwhile: redraws and runs",
            f"{redraw:,.0f} clocks a redraw, {per_image:.1f} an image of {FEW}",
            CHIPS * count * busy / UART.frequency,
        ),
        ("all", "", whole),
    )
    say("| what | counted | seconds |\n| --- | ---: | ---: |")
    for what, counted, seconds in rows:
        say(f"| {what} | {counted} | {seconds:.1f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
