"""Resident images: kept on the board, and streamed again for each chip.

The labels are on the board too and only counts come back, so the link does not bound the speed of a
sweep over chips.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine_parameters import EngineParameters
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
        assert parameters.resident is not None
        self._parameters = parameters
        self._resident = parameters.resident
        events = stream.Signature(event_layout(parameters.image))
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
                **memory_ports(parameters.resident),
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
        p = self._parameters
        beats = self._resident.beats
        sdram = self._resident.sdram
        if sdram is None:
            m.submodules.loader = loader = Loader(p.image, p.beat_bytes)
            m.submodules.player = player = BeatPlayer(p.image, beats)
            m.submodules.judge = judge = Judge(p, self._resident.images)
        else:
            beats = self._resident.words
            m.submodules.loader = loader = WordLoader(sdram)
            m.submodules.player = player = WordPlayer(p.image, beats)
            m.submodules.judge = judge = LabelJudge(p)
        m.submodules.reader = reader = ResidentReader(p, beats)
        m.submodules.event_slice = events = RegisterSlice(
            self.events.payload.shape(), every_clock=True
        )
        m.submodules.result_slice = results = RegisterSlice(
            self.results.payload.shape(), every_clock=True
        )
        wiring.connect(m, events.o, wiring.flipped(self.events))
        wiring.connect(m, wiring.flipped(self.results), results.i)
        wiring.connect(m, wiring.flipped(self.link_load), wiring.flipped(self.load))
        for name in ("link_fetch", "link_fetched", "fetch", "fetched"):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(reader, name))

        running = Signal()  # images are streamed and counted
        # The engine works for this block. A register, since many signals depend on it; nothing
        # begins or ends in the clock by which it is late.
        own = Signal()
        taken = Signal()
        settling = Signal(5 + player.settling)  # bytes are on their way to their places
        steady = self.idle
        if sdram is not None:
            steady &= self._build_sdram(m, loader, player, judge, reader)
            # Each logit of a run, in the bytes of the link.
            m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8 * p.logit_bytes).create()
            m.d.comb += [
                crc.data.eq(results.o.payload.logit),
                crc.valid.eq(running & results.o.valid),
                crc.start.eq(loader.start),
                reader.logits.eq(crc.crc),
            ]
        m.d.sync += [own.eq(running | reader.serving), settling.eq(Cat(taken, settling))]
        m.d.comb += [
            taken.eq(self.load.valid & self.load.ready),
            self.link_idle.eq(steady & ~running & ~reader.serving & ~settling.any()),
            loader.load.payload.eq(self.load.payload),
            loader.load.valid.eq(taken),
        ]
        # To the engine: the player's events or the link's.
        played = player.events
        i = events.i
        m.d.comb += [
            i.payload.eq(Mux(own, played.payload, self.link_events.payload)),
            i.valid.eq(Mux(own, played.valid, self.link_events.valid)),
            played.ready.eq(i.ready),
            self.link_events.ready.eq(i.ready & ~own),
        ]
        # Results: for the judge while images run, for the reader, or for the link.
        read = reader.results
        o = results.o
        m.d.comb += [
            self.link_results.payload.eq(o.payload),
            self.link_results.valid.eq(o.valid & ~own),
            read.payload.eq(o.payload),
            read.valid.eq(o.valid & own & ~running),
            o.ready.eq(Mux(own, running | read.ready, self.link_results.ready)),
        ]
        if sdram is None:
            self._build_memories(m, loader, player, judge, reader)
        m.d.comb += [
            judge.clear.eq(loader.start),
            judge.count.eq(running),
            judge.answered.eq(running & results.o.valid & results.o.payload.last),
            judge.winner.eq(results.o.payload.winner),
        ]
        # The player's next task is in registers.
        m.d.sync += player.start.eq(0)
        with m.If(loader.start):
            m.d.sync += [
                running.eq(1),
                player.start.eq(loader.images != 0),
                player.first.eq(0),
                player.skip.eq(0),
                player.images.eq(loader.images),
            ]
        # Each of these hands over to the next without a clock in between.
        with m.Elif(
            ~player.start
            & ~player.playing
            & ~events.o.valid
            & self.idle
            & ~results.o.valid
            & ~judge.busy
        ):
            m.d.sync += running.eq(0)
        with m.If(reader.aim):
            m.d.sync += [
                player.start.eq(reader.play),
                player.first.eq(reader.first),
                player.skip.eq(reader.skip),
                player.images.eq(1),
            ]

        if p.numbered:
            self._build_numbers(m, own, loader, player, reader)

    def _build_memories(
        self,
        m: Module,
        loader: Loader,
        player: BeatPlayer | WordPlayer,
        judge: Judge,
        reader: ResidentReader,
    ) -> None:
        """Connect the memories to the loader and the reader."""
        m.d.comb += [
            player.place.eq(loader.address),
            player.stored.eq(loader.beat),
            player.write.eq(loader.beat_written),
            judge.place.eq(loader.address),
            judge.stored.eq(loader.label),
            judge.write.eq(loader.label_written),
            player.peek.eq(reader.peek),
            judge.address.eq(reader.address),
            reader.peeked.eq(player.peeked),
            reader.beat.eq(player.beat),
            reader.position.eq(player.position),
            reader.label.eq(judge.label),
            reader.counts.eq(judge.counts),
            reader.forget.eq(loader.beat_written),
        ]

    def _build_sdram(
        self,
        m: Module,
        loader: Loader,
        player: BeatPlayer | WordPlayer,
        judge: Judge,
        reader: ResidentReader,
    ) -> Value:
        """Connect the SDRAM; return a signal that it has been started and has all words."""
        sdram = self._resident.sdram
        assert sdram is not None
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
            judge.labels.payload.eq(player.labels.payload),
            judge.labels.valid.eq(player.labels.valid),
            player.labels.ready.eq(judge.labels.ready),
            player.comes.eq(controller.comes),
            player.found.eq(controller.found.word_select(half, WORD_BITS)),
            self.sdram.eq(controller.pins),
            controller.read.eq(self.sdram_read),
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

    def _build_numbers(
        self,
        m: Module,
        own: Signal,
        loader: Loader,
        player: BeatPlayer | WordPlayer,
        reader: ResidentReader,
    ) -> None:
        """Connect the numbers of the images that go to the engine: the link's, or counted here."""
        first = self._parameters.crossbars[0]
        number = Signal(IMAGE_BITS)
        named = Signal(IMAGE_BITS)
        # An image's number follows its first beat.
        due = Signal(range(LATE + 2 * first.rows * (first.passes > 1)))
        given = own & self.numbers.valid & self.numbers.ready
        m.d.comb += [
            self.numbers.payload.eq(Mux(own, number, self.link_numbers.payload)),
            self.numbers.valid.eq(Mux(own, due != 0, self.link_numbers.valid)),
            self.link_numbers.ready.eq(self.numbers.ready & ~own),
        ]
        m.d.sync += [due.eq(due + player.begun - given), named.eq(loader.number + reader.address)]
        with m.If(given):
            m.d.sync += number.eq(number + 1)
        with m.If(loader.start):
            m.d.sync += number.eq(loader.number)
        with m.If(reader.aim):
            m.d.sync += number.eq(named)
