"""Resident images: kept on the board, and streamed again for each chip.

The labels are on the board too and only counts come back, so the link does not bound the speed of a
sweep over chips.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.sdram_parameters import SdramParameters
from allspin.hdl.resident.judge import Judge, LabelJudge
from allspin.hdl.resident.loaders import Loader, WordLoader
from allspin.hdl.resident.packing import WORD_BITS
from allspin.hdl.resident.player import BeatPlayer
from allspin.hdl.resident.reader import ResidentReader
from allspin.hdl.resident.sdram import SdramController, memory_ports
from allspin.hdl.resident.word_player import WordPlayer
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    BYTES,
    FETCHES,
    IMAGE_BITS,
    LOADS,
    NUMBERS,
    event_layout,
    result_layout,
)
from allspin.hdl.stream.registers import RegisterSlice, later

LATE = 16
"""Largest number of images whose numbers are due: more than a first crossbar without a `Replay` can
have begun. Images with a beat in the `Replay` come on top."""


class Resident(Component):
    """Keep images between the link and the engine, and run them.

    Other traffic passes through. A WRITE to `RESIDENT_RUN` streams images through the engine and
    counts correct classifications; a READ of `RESIDENT_LOGITS` streams one image and returns the
    engine's answer. Meanwhile the link's images wait, and `link_idle` is low. ``docs/protocol.md``
    has the layout of all lines.

    Events and results pass through registers, one per clock, and so do the bytes of lines, one
    every other clock: no combinational path joins the engine and the link.

    Throughput: one beat per cycle.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the engine; its `resident` has the sizes.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        resident = parameters.resident
        assert resident is not None
        self._parameters = parameters
        self._sdram = resident.sdram
        image = parameters.image
        if resident.sdram is None:
            units = resident.beats
            self._loader = Loader(image, parameters.beat_bytes)
            self._player = BeatPlayer(image, units)
            self._judge = Judge(parameters, resident.images)
        else:
            units = resident.words
            self._loader = WordLoader(resident.sdram)
            self._player = WordPlayer(image, units)
            self._judge = LabelJudge(parameters)
        self._reader = ResidentReader(parameters, units)
        self._events = RegisterSlice(event_layout(image), every_clock=True)
        self._results = RegisterSlice(result_layout(parameters), every_clock=True)
        events = stream.Signature(event_layout(image))
        results = stream.Signature(result_layout(parameters))
        numbers = {}
        if parameters.numbered:
            numbers = {
                # From the link: the images' numbers, if the engine needs them.
                "link_numbers": In(NUMBERS),
                "numbers": Out(NUMBERS),
            }
        super().__init__(
            {
                **numbers,
                **memory_ports(resident),
                # From the link: `event_layout`, `LOAD_LAYOUT`, `FETCH_LAYOUT`.
                "link_events": In(events),
                # To the link: `result_layout`, `BYTE_LAYOUT`.
                "link_results": Out(results),
                "link_load": In(LOADS),
                "link_fetch": In(FETCHES),
                "link_fetched": Out(BYTES),
                # The engine and this block are idle.
                "link_idle": Out(1),
                # The same streams to the engine.
                "events": Out(events),
                # The same streams from the engine.
                "results": In(results),
                "load": Out(LOADS),
                "fetch": Out(FETCHES),
                "fetched": In(BYTES),
                # The engine is idle.
                "idle": In(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        m.submodules.loader = loader = self._loader
        m.submodules.player = player = self._player
        m.submodules.judge = judge = self._judge
        m.submodules.reader = reader = self._reader
        m.submodules.event_slice = events = self._events
        m.submodules.result_slice = results = self._results
        wiring.connect(m, events.o, wiring.flipped(self.events))
        wiring.connect(m, wiring.flipped(self.results), results.i)
        wiring.connect(m, wiring.flipped(self.link_load), wiring.flipped(self.load))
        wiring.connect(m, wiring.flipped(self.link_fetch), reader.link_fetch)
        wiring.connect(m, wiring.flipped(self.link_fetched), reader.link_fetched)
        wiring.connect(m, wiring.flipped(self.fetch), reader.fetch)
        wiring.connect(m, wiring.flipped(self.fetched), reader.fetched)

        running = Signal()  # images are streamed and counted
        # The engine works for this block. A register, since many signals depend on it; nothing
        # begins or ends in the clock by which it is late.
        own = Signal()
        taken = Signal()
        settling = Signal(5 + player.settling)  # bytes are on their way to their places
        steady = self.idle
        if self._sdram is not None:
            steady &= self._build_sdram(m, self._sdram)
            self._build_digest(m, running)
        m.d.sync += [own.eq(running | reader.serving), settling.eq(Cat(taken, settling))]
        m.d.comb += [
            taken.eq(self.load.valid & self.load.ready),
            self.link_idle.eq(steady & ~running & ~reader.serving & ~settling.any()),
            loader.load.payload.eq(self.load.payload),
            loader.load.valid.eq(taken),
        ]
        self._build_streams(m, own, running)
        if self._sdram is None:
            self._build_memories(m)
        m.d.comb += [
            judge.clear.eq(loader.start),
            judge.count.eq(running),
            judge.answered.eq(running & results.o.valid & results.o.payload.last),
            judge.winner.eq(results.o.payload.winner),
        ]
        self._build_tasks(m, running)
        if self._parameters.numbered:
            self._build_numbers(m, own)

    def _build_digest(self, m: Module, running: Signal) -> None:
        """Compute the CRC-32 of each logit of a run, in the bytes of the link."""
        results = self._results.o
        data_width = 8 * self._parameters.logit_bytes
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=data_width).create()
        m.d.comb += [
            crc.data.eq(results.payload.logit),
            crc.valid.eq(running & results.valid),
            crc.start.eq(self._loader.start),
            self._reader.logits.eq(crc.crc),
        ]

    def _build_streams(self, m: Module, own: Signal, running: Signal) -> None:
        """Connect the engine's events and results to this block or to the link."""
        events = self._events.i
        played = self._player.events
        m.d.comb += [
            events.payload.eq(Mux(own, played.payload, self.link_events.payload)),
            events.valid.eq(Mux(own, played.valid, self.link_events.valid)),
            played.ready.eq(events.ready),
            self.link_events.ready.eq(events.ready & ~own),
        ]
        # Results: for the judge while images run, for the reader, or for the link.
        results = self._results.o
        read = self._reader.results
        m.d.comb += [
            self.link_results.payload.eq(results.payload),
            self.link_results.valid.eq(results.valid & ~own),
            read.payload.eq(results.payload),
            read.valid.eq(results.valid & own & ~running),
            results.ready.eq(Mux(own, running | read.ready, self.link_results.ready)),
        ]

    def _build_tasks(self, m: Module, running: Signal) -> None:
        """Give the player its next task, in registers: a run, or the reader's image."""
        loader = self._loader
        player = self._player
        reader = self._reader
        # Each of these hands over to the next without a clock in between.
        stopped = (
            ~player.start
            & ~player.playing
            & ~self._events.o.valid
            & self.idle
            & ~self._results.o.valid
            & ~self._judge.busy
        )
        m.d.sync += player.start.eq(0)
        with m.If(loader.start):
            m.d.sync += [
                running.eq(1),
                player.start.eq(loader.images != 0),
                player.first.eq(0),
                player.skip.eq(0),
                player.images.eq(loader.images),
            ]
        with m.Elif(stopped):
            m.d.sync += running.eq(0)
        with m.If(reader.aim):
            m.d.sync += [
                player.start.eq(reader.play),
                player.first.eq(reader.first),
                player.skip.eq(reader.skip),
                player.images.eq(1),
            ]

    def _build_memories(self, m: Module) -> None:
        """Connect the memories to the loader and the reader."""
        loader = self._loader
        player = self._player
        judge = self._judge
        reader = self._reader
        m.d.comb += [
            player.place.eq(loader.address),
            player.stored.eq(loader.beat),
            player.write.eq(loader.beat_written),
            player.peek.eq(reader.peek),
        ]
        m.d.comb += [
            judge.place.eq(loader.address),
            judge.stored.eq(loader.label),
            judge.write.eq(loader.label_written),
            judge.address.eq(reader.address),
        ]
        m.d.comb += [
            reader.peeked.eq(player.peeked),
            reader.beat.eq(player.beat),
            reader.position.eq(player.position),
            reader.label.eq(judge.label),
            reader.counts.eq(judge.counts),
            reader.forget.eq(loader.beat_written),
        ]

    def _build_sdram(self, m: Module, sdram: SdramParameters) -> Value:
        """Connect the SDRAM; return a signal that it has been started and has all words."""
        loader = self._loader
        player = self._player
        judge = self._judge
        reader = self._reader
        m.submodules.controller = controller = SdramController(sdram)
        requests = controller.requests
        writes = loader.writes
        reads = player.reads
        # A word of 32 bits is read twice, once for each half.
        half_bits = (sdram.width // WORD_BITS).bit_length() - 1
        half = later(m, reads.payload[:half_bits], "half", sdram.latency)
        m.d.comb += [
            requests.payload.eq(writes.payload),
            requests.valid.eq(writes.valid | reads.valid),
            writes.ready.eq(requests.ready),
            reads.ready.eq(requests.ready & ~writes.valid),
        ]
        m.d.comb += [
            judge.labels.payload.eq(player.labels.payload),
            judge.labels.valid.eq(player.labels.valid),
            player.labels.ready.eq(judge.labels.ready),
        ]
        m.d.comb += [
            player.comes.eq(controller.comes),
            player.found.eq(controller.found.word_select(half, WORD_BITS)),
            self.sdram.eq(controller.pins),
            controller.read.eq(self.sdram_read),
        ]
        m.d.comb += [
            reader.position.eq(player.position),
            reader.counts.eq(judge.counts),
            reader.digest.eq(player.digest),
            reader.forget.eq(loader.busy),
            # Single words cannot be read.
            reader.peeked.eq(1),
        ]
        with m.If(~writes.valid):
            m.d.comb += [
                requests.payload.address.eq(reads.payload[half_bits:]),
                requests.payload.write.eq(0),
            ]
        return controller.started & ~loader.busy

    def _build_numbers(self, m: Module, own: Signal) -> None:
        """Connect the numbers of the images that go to the engine: the link's, or counted here."""
        loader = self._loader
        reader = self._reader
        first = self._parameters.crossbars[0]
        number = Signal(IMAGE_BITS)
        named = Signal(IMAGE_BITS)
        # An image's number follows its first beat.
        most_due = LATE
        if first.passes > 1:
            most_due += 2 * first.rows
        due = Signal(range(most_due))
        given = own & self.numbers.valid & self.numbers.ready
        m.d.comb += [
            self.numbers.payload.eq(Mux(own, number, self.link_numbers.payload)),
            self.numbers.valid.eq(Mux(own, due != 0, self.link_numbers.valid)),
            self.link_numbers.ready.eq(self.numbers.ready & ~own),
        ]
        m.d.sync += [
            due.eq(due + self._player.begun - given),
            named.eq(loader.number + reader.address),
        ]
        with m.If(given):
            m.d.sync += number.eq(number + 1)
        with m.If(loader.start):
            m.d.sync += number.eq(loader.number)
        with m.If(reader.aim):
            m.d.sync += number.eq(named)
