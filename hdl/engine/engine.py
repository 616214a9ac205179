"""The engine: crossbars and neurons of all layers, overlapped.

While image n is in the first crossbar, image n - 1 is in its neurons and the second
crossbar, and so on. The steady-state cost of an image is the slowest stage's, not the sum.
"""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.kinds import make_crossbar
from allspin.hdl.engine.counters import Counters
from allspin.hdl.engine.readout import Readout
from allspin.hdl.memory_map import CONVERTER, COUNTERS, ENGINE, STATES, TABLE, WEIGHTS
from allspin.hdl.neuron.converter import ViConverter
from allspin.hdl.neuron.neuron_array import NeuronArray, RowDriver
from allspin.hdl.parameters import EngineParameters
from allspin.hdl.stream.ecp5 import copies
from allspin.hdl.stream.layouts import (
    ByteLayout,
    EventLayout,
    FetchLayout,
    LoadLayout,
    NoiseLayout,
    ResultLayout,
)
from allspin.hdl.stream.reservation import Reservation
from allspin.hdl.stream.slice import Slice
from allspin.hdl.variation.variation import Variation
from allspin.sim.chip.generator import USE_BITS as IMAGE_BITS

NEURONS_UNDER_WAY = 32
"""Beats that may be in a layer's converters and neurons, or wait behind them: more than their
registers."""


class Engine(wiring.Component):
    """An event-driven crossbar inference engine of any number of layers.

    Parameters
    ----------
    parameters : EngineParameters
        Sizes and widths.

    Attributes
    ----------
    events : In(stream)
        `EventLayout` of the first crossbar: images as driven rows.
    results : Out(stream)
        `ResultLayout`: each image's logits, class by class, in the order of the images.
    load : In(stream)
        `LoadLayout`: bytes for the memories; only while `idle`. Images and reads wait until
        they are in their places.
    fetch : In(stream)
        `FetchLayout`: a line to read; only while `idle`. Images wait until it is read.
    fetched : Out(stream)
        `ByteLayout`: the line's bytes.
    numbers : In(stream)
        Each image's number, before its first event or while it is under way, in their order;
        where neurons have noise at each use.
    idle : Out(1)
        No image is under way, no line is being read and no chip is being made.
    activity : Out(4 * layers)
        What happens in this clock, for timelines; layer k has bits 4k to 4k + 3: an event
        is taken, it is an image's last, a sum is taken, it is an image's last.

    Notes
    -----
    A row of R_AH words is read back the way the physical array is: the row alone is driven
    with a value of 1, and the column sums are its words.
    """

    events: stream.Interface
    results: stream.Interface
    load: stream.Interface
    fetch: stream.Interface
    fetched: stream.Interface
    idle: Signal
    activity: Signal
    numbers: stream.Interface

    def __init__(self, parameters: EngineParameters) -> None:
        self.parameters = parameters
        ports = {
            "events": In(stream.Signature(EventLayout(parameters.crossbars[0]))),
            "results": Out(stream.Signature(ResultLayout(parameters))),
            "load": In(stream.Signature(LoadLayout())),
            "fetch": In(stream.Signature(FetchLayout())),
            "fetched": Out(stream.Signature(ByteLayout())),
            "idle": Out(1),
            "activity": Out(4 * len(parameters.crossbars)),
        }
        if parameters.noisy:
            ports["numbers"] = In(stream.Signature(IMAGE_BITS))
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        """Build the engine."""
        m = Module()
        p = self.parameters
        layers = len(p.crossbars)

        # One register for all loads, so that the link's logic ends before the broadcast.
        load = Signal(LoadLayout())
        load_valid = Signal()
        load_layers = Signal(layers)  # which one's memory it is for
        for_layers = Cat(self.load.payload.layer == layer for layer in range(layers))

        # Nothing is read before every byte is in its memory.
        settle = 1 + max(crossbar.write_clocks for crossbar in p.crossbars)
        # The link and the Programmer are far from one another, and a fast clock needs a
        # register where they meet. An iCE40's has the time, and its chips have no room: with one,
        # nextpnr does not find places for all cells with each seed.
        meet = p.variation is not None and not p.target.slow_clock
        settle += meet
        settling = Signal(range(settle + 1))
        loading = Signal()  # a register, since much waits for it
        programming = Signal()
        with m.If(load_valid | programming):
            m.d.sync += settling.eq(settle)
        with m.Elif(settling != 0):
            m.d.sync += settling.eq(settling - 1)
        m.d.sync += loading.eq(self.load.valid | load_valid | programming | (settling > 1))

        variation = None
        if p.variation is not None:
            m.submodules.variation = variation = Variation(p)
            # The Programmer may hold back a byte of the states: in the register of the loads,
            # so the link sees a register and not the Programmer.
            held = Signal()
            free = Signal(init=1)  # it does not: a register for the link and the loads alone
            opens = Signal()  # and it is a line's first: of its own, since `load` goes everywhere
            states = (self.load.payload.memory == STATES) & (self.load.payload.layer != ENGINE)
            m.d.comb += [
                variation.load.payload.eq(load),
                variation.load.valid.eq(load_valid),
                variation.states.payload.eq(load),
                variation.states.payload.first.eq(opens),
                variation.states.valid.eq(held),
                self.load.ready.eq(free),
                programming.eq(variation.busy | held),
            ]
            with m.If(free):
                m.d.sync += [
                    load.eq(self.load.payload),
                    load_layers.eq(for_layers),
                    load_valid.eq(self.load.valid & ~states),
                    held.eq(self.load.valid & states),
                    free.eq(~(self.load.valid & states)),
                    opens.eq(self.load.payload.first & states),
                ]
            with m.Elif(variation.states.ready):
                m.d.sync += [held.eq(0), free.eq(1)]
            if p.noisy:
                # From the link; one comes with each image.
                m.submodules.numbers = numbers = Slice(IMAGE_BITS)
                wiring.connect(m, wiring.flipped(self.numbers), numbers.i)
                wiring.connect(m, numbers.o, variation.numbers)
        else:
            m.d.comb += self.load.ready.eq(1)
            m.d.sync += [
                load.eq(self.load.payload),
                load_layers.eq(for_layers),
                load_valid.eq(self.load.valid),
            ]

        m.submodules.counters = counters = Counters(p)
        m.d.comb += counters.clear.eq(load_valid & (load.memory == COUNTERS))
        m.submodules.readout = readout = Readout(p)

        crossbars = [make_crossbar(crossbar) for crossbar in p.crossbars]
        converters = [ViConverter(p, layer) for layer in range(layers - 1)]
        neurons = [NeuronArray(p, layer) for layer in range(layers - 1)]

        # Nothing goes straight from what is asked to what is answered: the link's own paths are
        # long, and lines are read seldom.
        m.submodules.requests = requests = Slice(FetchLayout())
        m.submodules.answers = answers = Slice(ByteLayout())
        wiring.connect(m, wiring.flipped(self.fetch), requests.i)
        wiring.connect(m, answers.o, wiring.flipped(self.fetched))
        fetch, fetched = requests.o, answers.i

        fetching = Signal()  # a line is being read; a register, since it goes a long way
        request = Signal(FetchLayout())
        drive = Signal()  # drive the row that is read back
        collect = Signal()  # the sums are the line's bytes; a register too
        # Where sums wait is far from where lines are answered: there are registers on both ways.
        m.submodules.collected = collected = Slice(ByteLayout())
        table_entry = Signal(8)
        converter_word = Signal(32)
        shift = Signal(8)

        upstream = wiring.flipped(self.events)
        stalled = Signal()
        # A clock late, each beside what it turns from the images to the line.
        readings = copies(m, platform, fetching, layers, "reading")
        m.d.comb += stalled.eq(fetching | fetch.valid | loading)
        for layer, (crossbar, crossbar_parameters) in enumerate(
            zip(crossbars, p.crossbars, strict=True)
        ):
            m.submodules[f"crossbar_{layer}"] = crossbar
            here = Signal(name=f"here_{layer}")
            # A clock late where that decides what goes far; nothing is asked of a layer before.
            known = m.d.sync if crossbar_parameters.target.wide else m.d.comb
            known += here.eq(request.layer == layer)
            cell = crossbar.cells.payload
            written = m.d.sync if meet else m.d.comb
            written += [
                crossbar.cells.valid.eq(load_valid & load_layers[layer] & (load.memory == WEIGHTS)),
                cell.first.eq(load.first),
                cell.row.eq(load.address),
                cell.word.eq(load.data),
            ]
            if variation is not None:
                with m.If(variation.valid & (variation.layer == layer)):
                    written += [
                        crossbar.cells.valid.eq(1),
                        cell.first.eq(variation.word.first),
                        cell.row.eq(variation.word.row),
                        cell.word.eq(variation.word.word),
                    ]

            with m.If(readings[layer]):
                m.d.comb += [
                    crossbar.events.valid.eq(drive & here),
                    crossbar.events.payload.last.eq(1),
                ]
                part_bits = (crossbar_parameters.rows_per_clock - 1).bit_length()
                for part in range(crossbar_parameters.rows_per_clock):
                    slot = crossbar.events.payload.slots[part]
                    # A silent slot's row is 0: the last row of another part need not exist.
                    with m.If(request.address[:part_bits] == part):
                        m.d.comb += [slot.row.eq(request.address[part_bits:]), slot.value.eq(1)]
                    with m.Else():
                        m.d.comb += [slot.row.eq(0), slot.value.eq(0)]
            with m.Else():
                blocked = stalled if layer == 0 else 0
                m.d.comb += [
                    crossbar.events.valid.eq(upstream.valid & ~blocked),
                    crossbar.events.payload.eq(upstream.payload),
                    upstream.ready.eq(crossbar.events.ready & ~blocked),
                ]

            downstream = readout.sums if layer == layers - 1 else converters[layer].sums
            room = Signal(init=1, name=f"room_{layer}")  # for what comes of the sums
            at_once = crossbar_parameters.neurons_per_clock
            in_last = (crossbar_parameters.columns - 1) % at_once + 1
            sums = crossbar.sums.payload
            picked = Signal(range(max(at_once, 2)), name=f"picked_{layer}")
            last_picked = Signal(name=f"last_picked_{layer}")
            m.d.comb += [
                downstream.payload.eq(sums),
                last_picked.eq(picked == Mux(sums.last, in_last - 1, at_once - 1)),
            ]
            waits = Signal(name=f"waits_{layer}")  # there are sums to be read
            release = Signal(name=f"release_{layer}")  # they have been read, and go
            m.d.sync += [
                waits.eq(collect & here & crossbar.sums.valid & ~release),
                release.eq(0),
            ]
            with m.If(collect):
                m.d.comb += crossbar.sums.ready.eq(release)
                with m.If(waits & ~release):
                    byte = collected.i.payload
                    m.d.comb += [
                        collected.i.valid.eq(1),
                        byte.data.eq(Array(sums.sums[k] for k in range(at_once))[picked]),
                        byte.last.eq(sums.last & last_picked),
                    ]
                    with m.If(collected.i.ready):
                        m.d.sync += [
                            picked.eq(Mux(last_picked, 0, picked + 1)),
                            release.eq(last_picked),
                        ]
            with m.Else():
                m.d.comb += [
                    downstream.valid.eq(crossbar.sums.valid & room),
                    crossbar.sums.ready.eq(downstream.ready & room),
                ]

            took_event = Signal(name=f"took_event_{layer}")
            took_sum = Signal(name=f"took_sum_{layer}")
            m.d.comb += [
                took_event.eq(crossbar.events.valid & crossbar.events.ready & ~readings[layer]),
                took_sum.eq(downstream.valid & downstream.ready),
                counters.row[layer].eq(
                    sum(
                        took_event & crossbar.events.payload.slots[part].value.any()
                        for part in range(crossbar_parameters.rows_per_clock)
                    )
                ),
                counters.column[layer].eq(Mux(took_sum, Mux(sums.last, in_last, at_once), 0)),
                self.activity[4 * layer : 4 * layer + 4].eq(
                    Cat(
                        took_event,
                        took_event & crossbar.events.payload.last,
                        took_sum,
                        took_sum & crossbar.sums.payload.last,
                    )
                ),
            ]
            if layer == layers - 1:
                break

            m.submodules[f"converter_{layer}"] = converter = converters[layer]
            m.submodules[f"neuron_{layer}"] = neuron = neurons[layer]
            m.submodules[f"reservation_{layer}"] = reservation = Reservation(
                neuron.activations.payload.shape(), NEURONS_UNDER_WAY
            )
            m.submodules[f"driver_{layer}"] = driver = RowDriver(p, layer)
            wiring.connect(m, converter.currents, neuron.currents)
            wiring.connect(m, reservation.waiting, driver.activations)
            m.d.comb += [
                room.eq(reservation.open),
                reservation.taken.eq(took_sum),
                reservation.arrives.eq(neuron.activations.valid),
                reservation.payload.eq(neuron.activations.payload),
                neuron.activations.ready.eq(1),
            ]
            if variation is not None and p.noisy:
                # Drawn far away: only registers are where it is taken.
                m.submodules[f"noise_{layer}"] = waiting = Slice(
                    NoiseLayout(p, layer), every_clock=True
                )
                wiring.connect(m, variation.noises[layer], waiting.i)
                noise = waiting.o
                m.d.comb += [
                    room.eq(reservation.open & noise.valid),
                    noise.ready.eq(took_sum),
                    converter.noise.eq(noise.payload),
                ]
            # The neurons may be far away.
            probe = Signal(name=f"probe_{layer}")
            probed = Signal(16, name=f"probed_{layer}", reset_less=True)
            m.d.sync += [probe.eq(fetching), probed.eq(request.address)]
            near: data.View = load
            near_valid: Value = load_valid & load_layers[layer]
            if crossbar_parameters.target.wide:
                # It is there long before a sum comes, or a line is shown.
                near = Signal(LoadLayout(), name=f"load_{layer}", reset_less=True)
                valid = Signal(name=f"load_valid_{layer}")
                m.d.sync += [near.eq(load), valid.eq(near_valid)]
                near_valid = valid
            for memory in (converter, neuron):
                m.d.comb += [
                    memory.load.payload.eq(near),
                    memory.load.valid.eq(near_valid),
                    memory.probe.eq(probe),
                ]
            m.d.comb += [converter.column.eq(probed), neuron.address.eq(probed)]
            with m.If(here):
                m.d.comb += [
                    table_entry.eq(neuron.entry),
                    converter_word.eq(converter.word),
                    shift.eq(converter.shift),
                ]
            upstream = driver.events

        wiring.connect(m, readout.results, wiring.flipped(self.results))

        # Images under way: from the first event taken to the last logit given.
        arriving = Signal()
        under_way = Signal(24)
        none = Signal(init=1)  # are under way
        first_taken = Signal()
        entered = Signal()
        left = Signal()
        counted_in = Signal()
        counted_out = Signal()
        m.d.comb += [
            first_taken.eq(self.events.valid & self.events.ready),
            entered.eq(first_taken & self.events.payload.last),
            left.eq(self.results.valid & self.results.ready & self.results.payload.last),
            counters.image.eq(left),
            counters.busy.eq(arriving | counted_in | ~none | first_taken),
            self.idle.eq(
                ~arriving
                & ~counted_in
                & none
                & ~fetching
                & ~fetch.valid
                & ~(loading if variation is not None else 0)
            ),
        ]
        with m.If(first_taken):
            m.d.sync += arriving.eq(~self.events.payload.last)
        # Counted a clock late: whether an event is taken is known late in its clock.
        m.d.sync += [
            counted_in.eq(entered),
            counted_out.eq(left),
            under_way.eq(under_way + counted_in - counted_out),
        ]
        with m.If(counted_in & ~counted_out):
            m.d.sync += none.eq(0)
        with m.Elif(counted_out & ~counted_in):
            m.d.sync += none.eq(under_way == 1)

        self._elaborate_fetch(
            m,
            counters=counters,
            fetch=fetch,
            fetched=fetched,
            fetching=fetching,
            loading=loading,
            request=request,
            drive=drive,
            collect=collect,
            sources=(table_entry, converter_word, shift),
            taken=Cat(
                crossbar.events.ready & (request.layer == layer)
                for layer, crossbar in enumerate(crossbars)
            ).any(),
        )
        with m.If(collect):
            m.d.comb += [
                fetched.valid.eq(collected.o.valid),
                fetched.payload.eq(collected.o.payload),
                collected.o.ready.eq(fetched.ready),
            ]
        return m

    def _elaborate_fetch(
        self,
        m: Module,
        *,
        counters: Counters,
        fetch: stream.Interface,
        fetched: stream.Interface,
        fetching: Signal,
        loading: Signal,
        request: data.View,
        drive: Signal,
        collect: Signal,
        sources: tuple[Signal, Signal, Signal],
        taken: Value,
    ) -> None:
        """Read one line: by driving its row, or from a memory's probe."""
        table_entry, converter_word, shift = sources
        line = Signal(64)
        bytes_left = Signal(range(9))
        waited = Signal()
        # Chosen beside the waiting, which is long enough.
        found = Signal(32)
        counted = Signal()  # a counter is read
        with m.Switch(request.memory):
            with m.Case(TABLE):
                m.d.sync += found.eq(table_entry)
            with m.Case(CONVERTER):
                m.d.sync += found.eq(converter_word)
            with m.Default():
                m.d.sync += found.eq(shift)
        m.d.sync += counted.eq(request.memory == COUNTERS)
        wait = Signal(range(2 * counters.loop + 4))
        m.d.comb += [
            counters.layer.eq(request.layer),
            counters.line.eq(request.address),
        ]
        with m.FSM(name="fetch"):
            with m.State("IDLE"):
                m.d.comb += fetch.ready.eq(~loading)
                m.d.sync += [request.eq(fetch.payload), wait.eq(5), waited.eq(0)]
                with m.If(fetch.valid & fetch.ready):
                    m.d.sync += fetching.eq(1)
                    with m.Switch(fetch.payload.memory):
                        with m.Case(COUNTERS):
                            m.d.sync += [wait.eq(2 * counters.loop + 2), bytes_left.eq(8)]
                        with m.Case(CONVERTER):
                            m.d.sync += bytes_left.eq(4)
                        with m.Default():
                            m.d.sync += bytes_left.eq(1)
                    with m.If(fetch.payload.memory == WEIGHTS):
                        m.next = "TURN"
                    with m.Else():
                        m.next = "WAIT"
            with m.State("TURN"):
                m.next = "DRIVE"
            with m.State("DRIVE"):
                m.d.comb += drive.eq(1)
                with m.If(taken):
                    m.d.sync += collect.eq(1)
                    m.next = "COLLECT"
            with m.State("COLLECT"), m.If(fetched.valid & fetched.ready & fetched.payload.last):
                # The last sums have gone: their byte came through a register.
                m.d.sync += [fetching.eq(0), collect.eq(0)]
                m.next = "IDLE"
            with m.State("WAIT"):
                m.d.sync += [wait.eq(wait - 1), waited.eq(wait == 0)]
                with m.If(~counted):
                    m.d.sync += line.eq(found)
                with m.Elif(counters.shown):
                    m.d.sync += line.eq(counters.value)
                with m.If(waited):
                    m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += [
                    fetched.valid.eq(1),
                    fetched.payload.data.eq(line[:8]),
                    fetched.payload.last.eq(bytes_left == 1),
                ]
                with m.If(fetched.ready):
                    m.d.sync += [line.eq(line >> 8), bytes_left.eq(bytes_left - 1)]
                    with m.If(bytes_left == 1):
                        m.d.sync += fetching.eq(0)
                        m.next = "IDLE"
