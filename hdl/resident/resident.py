"""Resident images: kept on the board, and streamed again for each chip.

So a sweep over chips is not bound by the link: the labels are on the board too, and counts
come back.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.memory_map import ENGINE, LABELS, RESIDENT_BEATS, RESIDENT_LOGITS, RESIDENT_RUN
from allspin.hdl.parameters import CrossbarParameters, EngineParameters
from allspin.hdl.resident.beat_memory import COLUMN_BITS, COLUMN_LINES, PackedLayout
from allspin.hdl.resident.player import BeatPlayer
from allspin.hdl.stream.block_ram import block_memory
from allspin.hdl.stream.ecp5 import WordMemory
from allspin.hdl.stream.layouts import (
    ByteLayout,
    EventLayout,
    FetchLayout,
    LoadLayout,
    ResultLayout,
)
from allspin.hdl.stream.slice import Slice
from allspin.sim.chip.generator import USE_BITS as IMAGE_BITS

RUN_BYTES = 16
"""Bytes of the line of `RESIDENT_RUN`."""
IMAGES_BYTES = 2
NUMBER_BYTES = 4
"""How it begins: how many images to run, and the first one's number."""
CLASS_BYTES = 2
LATE = 16
"""Images whose numbers may be due: more than the first crossbar can have begun."""


class Loader(wiring.Component):
    """Make words of the bytes that come for this block's memories.

    Parameters
    ----------
    crossbar : CrossbarParameters
        Of the crossbar that is fed.
    beat_bytes : int
        Bytes of a beat's line.

    Attributes
    ----------
    load : In(stream)
        `LoadLayout`; other memories' bytes are ignored, and `ready` is always set.
    address : Out(16)
        Line that is written.
    beat_written : Out(1)
        Write `beat` there.
    beat : Out
        `PackedLayout`.
    label_written : Out(1)
        Write `label` there.
    label : Out(16)
        A class.
    start : Out(1)
        Run the first `images` images.
    images : Out(16)
        How many.
    number : Out(32)
        Number of the first of them, which the noise of its neurons is drawn by.
    """

    load: stream.Interface
    address: Signal
    beat_written: Signal
    beat: data.View
    label_written: Signal
    label: Signal
    start: Signal
    images: Signal
    number: Signal

    def __init__(self, crossbar: CrossbarParameters, beat_bytes: int) -> None:
        self._beat_bytes = beat_bytes
        super().__init__(
            {
                "load": In(stream.Signature(LoadLayout())),
                "address": Out(16),
                "beat_written": Out(1),
                "beat": Out(PackedLayout(crossbar)),
                "label_written": Out(1),
                "label": Out(16),
                "start": Out(1),
                "images": Out(16),
                "number": Out(IMAGE_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the loader."""
        m = Module()
        # Registers, so that the link's logic ends here: whether a byte is taken is known late.
        came = Signal()
        byte = Signal(LoadLayout())
        load = Signal(LoadLayout())
        beats = Signal()
        labels = Signal()
        order = Signal()
        own = came & (byte.layer == ENGINE)
        memory = byte.memory
        m.d.comb += self.load.ready.eq(1)
        m.d.sync += [
            came.eq(self.load.valid),
            byte.eq(self.load.payload),
            load.eq(byte),
            beats.eq(own & (memory == RESIDENT_BEATS)),
            labels.eq(own & (memory == LABELS)),
            order.eq(own & (memory == RESIDENT_RUN)),
        ]

        number = Signal(range(RUN_BYTES))  # of the byte in its line
        here = Signal.like(number)
        line = Signal(16)
        ended = Signal()  # the byte before was its line's last
        ends = Signal()
        m.d.comb += [
            here.eq(Mux(load.first, 0, number)),
            ends.eq(
                (beats & (here == self._beat_bytes - 1))
                | (labels & (here == CLASS_BYTES - 1))
                | (order & (here == RUN_BYTES - 1))
            ),
            self.address.eq(line),
        ]
        m.d.sync += [
            self.beat_written.eq(beats & ends),
            self.label_written.eq(labels & ends),
        ]
        with m.If(beats | labels | order):
            m.d.sync += [
                number.eq(Mux(ends, 0, here + 1)),
                ended.eq(ends),
                line.eq(Mux(load.first, load.address, line + ended)),
            ]
        with m.If(beats), m.Switch(here):
            for place, slot in enumerate(self.beat.slots):
                with m.Case(2 * place):
                    m.d.sync += slot.distance.eq(load.data)
                with m.Case(2 * place + 1):
                    m.d.sync += slot.value.eq(load.data)
            with m.Default():
                m.d.sync += self.beat.last.eq(load.data)
        with m.If(labels):
            m.d.sync += self.label.eq(Cat(self.label[8:], load.data))
        # A clock later than the others, since an image's number waits far away, where noise is
        # drawn: which of the two a byte belongs to is in registers by then.
        data = Signal(8)
        of_images = Signal()
        of_number = Signal()
        ordered = Signal()
        m.d.sync += [
            data.eq(load.data),
            of_images.eq(order & (here < IMAGES_BYTES)),
            of_number.eq(order & (here >= IMAGES_BYTES) & (here < IMAGES_BYTES + NUMBER_BYTES)),
            ordered.eq(order & ends),
            self.start.eq(ordered),
        ]
        with m.If(of_images):
            m.d.sync += self.images.eq(Cat(self.images[8:], data))
        with m.If(of_number):
            m.d.sync += self.number.eq(Cat(self.number[8:], data))
        return m


class Judge(wiring.Component):
    """Hold results against the labels, and count.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    images : int
        Labels that fit.

    Attributes
    ----------
    write : In(1)
        Store `stored` at `place`.
    place, stored : In(16)
        Number of an image, and its label.
    clear : In(1)
        Begin to count, at image 0.
    count : In(1)
        Results are counted, and so is the clock.
    answered : In(1)
        The next image's result is complete.
    winner : In
        Its class.
    busy : Out(1)
        A result has not been counted yet.
    answers, correct : Out(16)
        Results so far, and those that were as labelled.
    cycles : Out
        Clocks so far.
    address : In(16)
        While nothing is counted: which label is on `label` two clocks later.
    label : Out
        A class.
    """

    write: Signal
    place: Signal
    stored: Signal
    clear: Signal
    count: Signal
    answered: Signal
    winner: Signal
    busy: Signal
    answers: Signal
    correct: Signal
    cycles: Signal
    address: Signal
    label: Signal

    def __init__(self, parameters: EngineParameters, images: int) -> None:
        self._images = images
        class_ = range(max(parameters.classes, 2))
        self._registered = parameters.target.registered_blocks
        super().__init__(
            {
                "write": In(1),
                "place": In(16),
                "stored": In(16),
                "clear": In(1),
                "count": In(1),
                "answered": In(1),
                "winner": In(class_),
                "busy": Out(1),
                "answers": Out(16),
                "correct": Out(16),
                "cycles": Out(parameters.counter_bits),
                "address": In(16),
                "label": Out(class_),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the judge."""
        m = Module()
        self._elaborate_labels(m)
        winners = [Signal.like(self.winner, name=f"winner_{clock}") for clock in range(2)]
        coming = Signal(4)
        hit = Signal()
        m.d.comb += self.busy.eq(coming.any())
        m.d.sync += [
            coming.eq(Cat(self.answered, coming)),
            winners[0].eq(self.winner),
            winners[1].eq(winners[0]),
            hit.eq(coming[1] & (winners[1] == self.label)),
            self.answers.eq(self.answers + self.answered),
            self.correct.eq(self.correct + hit),
            self.cycles.eq(self.cycles + self.count),
        ]
        with m.If(self.clear):
            m.d.sync += [self.answers.eq(0), self.correct.eq(0), self.cycles.eq(0)]
        return m

    def _elaborate_labels(self, m: Module) -> None:
        """The labels' memory: one is there two clocks after its address."""
        address = Signal(range(self._images))
        m.d.comb += address.eq(Mux(self.count, self.answers, self.address))
        width = len(self.label)
        if self._registered and self._images <= COLUMN_LINES and width <= COLUMN_BITS:
            m.submodules.labels = words = WordMemory(self._images, 1, width)
            m.d.comb += [
                words.address.eq(address),
                self.label.eq(words.words.as_value()),
                words.write_enable.eq(self.write),
                words.write_address.eq(self.place),
                words.word.eq(self.stored),
            ]
            return
        m.submodules.labels = labels = block_memory(self.label.shape(), self._images)
        write = labels.write_port()
        read = labels.read_port(domain="comb")
        # The block's own register, and one that ends the time it takes.
        first = Signal.like(self.label)
        second = Signal.like(self.label)
        m.d.comb += [
            write.addr.eq(self.place),
            write.data.eq(self.stored),
            write.en.eq(self.write),
            read.addr.eq(address),
            self.label.eq(second),
        ]
        m.d.sync += [first.eq(read.data), second.eq(first)]


class Resident(wiring.Component):
    """The memory of images, between the link and the engine.

    What it is not concerned with passes through. A WRITE to `RESIDENT_RUN` streams images
    through the engine and counts how many are classified as their labels say; a READ of
    `RESIDENT_LOGITS` streams one and returns what the engine answers. Meanwhile the link's
    images wait, and `link_idle` is low. ``docs/protocol.md`` has the layout of all lines.

    Events and results pass registers here, one a clock, and so do the bytes of lines, one every
    other clock: nothing goes straight from the engine to the link.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine; its `resident` says how much fits.

    Attributes
    ----------
    link_events, link_load, link_fetch : In(stream)
        From the link: `EventLayout`, `LoadLayout`, `FetchLayout`.
    link_numbers : In(stream)
        From the link: images' numbers, where the engine wants them.
    link_results, link_fetched : Out(stream)
        To the link: `ResultLayout`, `ByteLayout`.
    link_idle : Out(1)
        The engine is idle, and so is this.
    events, load, fetch, numbers : Out(stream)
        The same to the engine.
    results, fetched : In(stream)
        The same from the engine.
    idle : In(1)
        The engine's.
    """

    link_numbers: stream.Interface
    numbers: stream.Interface
    link_events: stream.Interface
    link_results: stream.Interface
    link_load: stream.Interface
    link_fetch: stream.Interface
    link_fetched: stream.Interface
    link_idle: Signal
    events: stream.Interface
    results: stream.Interface
    load: stream.Interface
    fetch: stream.Interface
    fetched: stream.Interface
    idle: Signal

    def __init__(self, parameters: EngineParameters) -> None:
        assert parameters.resident is not None
        self._parameters = parameters
        self._resident = parameters.resident
        events = stream.Signature(EventLayout(parameters.crossbars[0]))
        results = stream.Signature(ResultLayout(parameters))
        load = stream.Signature(LoadLayout())
        fetch = stream.Signature(FetchLayout())
        fetched = stream.Signature(ByteLayout())
        numbers = {}
        if parameters.noisy:
            signature = stream.Signature(IMAGE_BITS)
            numbers = {"link_numbers": In(signature), "numbers": Out(signature)}
        super().__init__(
            {
                **numbers,
                "link_events": In(events),
                "link_results": Out(results),
                "link_load": In(load),
                "link_fetch": In(fetch),
                "link_fetched": Out(fetched),
                "link_idle": Out(1),
                "events": Out(events),
                "results": In(results),
                "load": Out(load),
                "fetch": Out(fetch),
                "fetched": In(fetched),
                "idle": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p = self._parameters
        m.submodules.loader = loader = Loader(p.crossbars[0], p.beat_bytes)
        m.submodules.player = player = BeatPlayer(p.crossbars[0], self._resident.beats)
        m.submodules.judge = judge = Judge(p, self._resident.images)

        events = Slice(self.events.payload.shape(), every_clock=True)
        results = Slice(self.results.payload.shape(), every_clock=True)
        m.submodules.event_slice, m.submodules.result_slice = events, results
        wiring.connect(m, events.o, wiring.flipped(self.events))
        wiring.connect(m, wiring.flipped(self.results), results.i)

        running = Signal()  # images are streamed and counted
        serving = Signal()  # a line of this block is being read, or was a clock ago
        # What the engine does is for this block. A register, since it decides much: nothing
        # comes of what begins or ends in the clock that it takes.
        own = Signal()
        taken = Signal()
        settling = Signal(5 + player.settling)  # bytes are on their way to their places
        m.d.sync += own.eq(running | serving)
        m.d.comb += [
            taken.eq(self.load.valid & self.load.ready),
            self.link_idle.eq(self.idle & ~running & ~serving & ~settling.any()),
            loader.load.payload.eq(self.load.payload),
            loader.load.valid.eq(taken),
            events.i.payload.eq(Mux(own, player.events.payload, self.link_events.payload)),
            events.i.valid.eq(Mux(own, player.events.valid, self.link_events.valid)),
            player.events.ready.eq(events.i.ready),
            self.link_events.ready.eq(events.i.ready & ~own),
            self.link_results.payload.eq(results.o.payload),
            self.link_results.valid.eq(results.o.valid & ~own),
            player.place.eq(loader.address),
            player.stored.eq(loader.beat),
            player.write.eq(loader.beat_written),
            judge.place.eq(loader.address),
            judge.stored.eq(loader.label),
            judge.write.eq(loader.label_written),
        ]
        m.d.sync += settling.eq(Cat(taken, settling))
        wiring.connect(m, wiring.flipped(self.link_load), wiring.flipped(self.load))

        # What the player does next is in registers.
        first = Signal.like(player.first)
        skip = Signal(16)
        images = Signal(16)
        number = Signal(IMAGE_BITS)
        launch = Signal()
        m.d.comb += [
            player.first.eq(first),
            player.skip.eq(skip),
            player.images.eq(images),
            player.start.eq(launch),
        ]
        m.d.sync += launch.eq(0)

        if p.noisy:
            # An image's number follows its first beat.
            due = Signal(range(LATE))
            m.d.comb += [
                self.numbers.payload.eq(Mux(own, number, self.link_numbers.payload)),
                self.numbers.valid.eq(Mux(own, due != 0, self.link_numbers.valid)),
                self.link_numbers.ready.eq(self.numbers.ready & ~own),
            ]
            given = own & self.numbers.valid & self.numbers.ready
            m.d.sync += due.eq(due + player.begun - given)
            with m.If(given):
                m.d.sync += number.eq(number + 1)

        result_ready = Signal()  # in place of the link's, while the engine is this block's
        m.d.comb += [
            results.o.ready.eq(Mux(own, running | result_ready, self.link_results.ready)),
            judge.clear.eq(loader.start),
            judge.count.eq(running),
            judge.answered.eq(running & results.o.valid & results.o.payload.last),
            judge.winner.eq(results.o.payload.winner),
        ]
        with m.If(loader.start):
            m.d.sync += [
                running.eq(1),
                launch.eq(loader.images != 0),
                first.eq(0),
                skip.eq(0),
                images.eq(loader.images),
                number.eq(loader.number),
            ]
        # Each of these hands over to the next without a clock between.
        with m.Elif(
            ~launch & ~player.playing & ~events.o.valid & self.idle & ~results.o.valid & ~judge.busy
        ):
            m.d.sync += running.eq(0)

        self._elaborate_reading(
            m,
            player=player,
            judge=judge,
            serving=serving,
            results=results.o,
            result_ready=result_ready,
            first=first,
            skip=skip,
            images=images,
            number=number,
            launch=launch,
            loader=loader,
        )
        return m

    def _elaborate_reading(
        self,
        m: Module,
        *,
        player: BeatPlayer,
        judge: Judge,
        serving: Signal,
        results: stream.Interface,
        result_ready: Signal,
        first: Signal,
        skip: Signal,
        images: Signal,
        number: Signal,
        launch: Signal,
        loader: Loader,
    ) -> None:
        """Answer the requests for this block's lines."""
        p = self._parameters
        asked = self.link_fetch.payload
        mine = Signal()
        memory = Signal(4)
        wants_logits = Signal()
        address = Signal(16)
        line = Signal(8 * RUN_BYTES)  # what is to be sent, its first byte lowest
        left = Signal(range(RUN_BYTES))  # bytes behind the one that is sent
        final = Signal()  # the line ends with these bytes
        m.d.comb += [
            mine.eq((asked.layer == ENGINE) & (asked.memory >= RESIDENT_BEATS)),
            self.fetch.payload.eq(asked),
            judge.address.eq(address),
        ]

        beat = [
            value | Const(0, 8)
            for slot in player.beat.slots
            for value in (slot.distance, slot.value)
        ]
        counts = Cat(
            judge.answers, Const(0, 16), judge.correct, Const(0, 16), judge.cycles, Const(0, 64)
        )
        lines = {
            RESIDENT_BEATS: (p.beat_bytes, Cat(*beat, player.beat.last)),
            LABELS: (CLASS_BYTES, judge.label),
            RESIDENT_RUN: (RUN_BYTES, counts),
        }

        # Where the image after the last one that was asked for begins: images that are asked
        # for in order are not searched for from the start each time.
        next_image = Signal(16)
        next_beat = Signal.like(first)
        ahead = Signal()
        gap = Signal(16)
        named = Signal.like(number)
        aim = Signal()  # these are known; a register, for what it enables is far away
        m.d.sync += [
            aim.eq(0),
            ahead.eq(address >= next_image),
            gap.eq(address - next_image),
            named.eq(loader.number + address),
        ]

        result = results.payload
        logit = Signal(8 * p.logit_bytes)
        m.d.comb += logit.eq(result.logit)
        m.submodules.byte_slice = bytes_ = Slice(ByteLayout())
        wiring.connect(m, bytes_.o, wiring.flipped(self.link_fetched))
        fetched = bytes_.i
        with m.If(aim):
            m.d.sync += [
                first.eq(Mux(wants_logits, Mux(ahead, next_beat, 0), address)),
                skip.eq(Mux(ahead, gap, address)),
                images.eq(1),
                number.eq(named),
                launch.eq(wants_logits),
            ]
        with m.FSM(name="reading"):
            with m.State("ENGINE"):
                m.d.comb += [
                    self.fetch.valid.eq(self.link_fetch.valid & ~mine),
                    self.link_fetch.ready.eq(self.fetch.ready | mine),
                    fetched.valid.eq(self.fetched.valid),
                    fetched.payload.eq(self.fetched.payload),
                    self.fetched.ready.eq(fetched.ready),
                ]
                m.d.sync += [
                    memory.eq(asked.memory),
                    wants_logits.eq(asked.memory == RESIDENT_LOGITS),
                    address.eq(asked.address),
                    serving.eq(self.link_fetch.valid & mine),
                ]
                with m.If(self.link_fetch.valid & mine):
                    m.next = "REGARD"
            with m.State("REGARD"):
                # In this clock it is found out whether the image lies ahead, and how far, and
                # which number it has.
                m.d.sync += aim.eq(1)
                m.next = "AIM"
            with m.State("AIM"):
                m.next = "LOGIT"
                with m.If(~wants_logits):
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.d.comb += player.peek.eq(1)
                m.next = "WAIT"
            with m.State("WAIT"):
                # By then any other line is there too.
                m.d.sync += final.eq(1)
                with m.Switch(memory):
                    for which, (size, content) in lines.items():
                        with m.Case(which):
                            m.d.sync += [line.eq(content), left.eq(size - 1)]
                with m.If(player.peeked):
                    m.next = "SEND"
            with m.State("LOGIT"):
                # The winner follows the last one.
                m.d.comb += result_ready.eq(1)
                m.d.sync += [
                    line.eq(Cat(logit, result.winner)),
                    left.eq(Mux(result.last, p.logit_bytes + CLASS_BYTES, p.logit_bytes) - 1),
                    final.eq(result.last),
                ]
                with m.If(results.valid):
                    m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += [
                    fetched.valid.eq(1),
                    fetched.payload.data.eq(line[:8]),
                    fetched.payload.last.eq(final & (left == 0)),
                ]
                with m.If(wants_logits):
                    m.d.sync += [next_beat.eq(player.position), next_image.eq(address + 1)]
                with m.If(fetched.ready):
                    m.d.sync += [line.eq(line >> 8), left.eq(left - 1)]
                    with m.If(left == 0):
                        m.next = "LOGIT"
                        with m.If(final):
                            m.next = "ENGINE"
        with m.If(loader.beat_written):
            m.d.sync += [next_image.eq(0), next_beat.eq(0)]
