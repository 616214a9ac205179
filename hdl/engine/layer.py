"""A layer: its crossbar, of which rows are read back, and its neurons."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.programmer import word_layout
from allspin.hdl.convolution.pool import Pool
from allspin.hdl.crossbar.tile_starts import write_clocks
from allspin.hdl.engine.crossbar_kinds import make_crossbar
from allspin.hdl.engine.readback import READ_SIGNATURE
from allspin.hdl.neuron.amplifiers import Amplifiers, LastAmplifiers
from allspin.hdl.neuron.converter import ViConverter
from allspin.hdl.neuron.neuron_array import NeuronArray
from allspin.hdl.neuron.row_driver import RowDriver
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import CONVERTER, TABLE, TILE_OFFSETS, WEIGHTS
from allspin.hdl.stream.buffers import Reservation
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_copies import copies
from allspin.hdl.stream.layouts import (
    LOAD_LAYOUT,
    LOADS,
    amplified_layout,
    event_layout,
    noise_layout,
)
from allspin.hdl.stream.registers import RegisterSlice, later

UNDER_WAY = 32
"""Beats that may be in converters and neurons, or wait behind them: more than their registers."""


class EngineLayer(Component):
    """Crossbar, V-I converters, neurons and row driver of a layer; the last layer ends at its
    amplifiers.

    A row of R_AH words is read back the way the physical array is: the row alone is driven with
    a value of 1, and the column sums are its words.

    Throughput: that of its slowest stage.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    number : int
        Number of the layer.

    Attributes
    ----------
    noise : In(stream)
        `noise_layout`; for a layer whose neurons or sums have noise at each use.
    write_clocks : int
        Clocks from a word here to the word in its memory.
    """

    def __init__(self, parameters: EngineParameters, number: int) -> None:
        self._parameters = parameters
        self._number = number
        self._crossbar = parameters.crossbars[number]
        # The link and the Programmer are far from one another, and a fast clock needs a register
        # where they meet. An iCE40's has the time, and its chips have no room: with one, nextpnr
        # does not find places for all cells with each seed.
        self._meets = parameters.variation is not None and not parameters.target.slow_clock
        self.write_clocks = self._crossbar.write_clocks + self._meets
        tiling = self._crossbar.tiling
        self._offsets = tiling is not None and tiling.offsets
        if self._offsets:
            self.write_clocks = max(self.write_clocks, write_clocks(self._crossbar))
        self._hidden = number < len(parameters.crossbars) - 1
        out = (
            event_layout(parameters.driven(number))
            if self._hidden
            else amplified_layout(parameters, number)
        )
        ports = {
            "events": In(stream.Signature(event_layout(self._crossbar))),
            # `event_layout` of the rows that the neurons drive, or `amplified_layout` of the last
            # layer.
            "out": Out(stream.Signature(out)),
            # This layer's bytes; `ready` is always set.
            "load": In(LOADS),
            # The Programmer has a word for this layer, in place of `load`.
            "programs": In(1),
            "word": In(word_layout(parameters.rah_bits)),
            # Port that reads its memories.
            "read": In(READ_SIGNATURE),
            # Number of rows that are driven in this clock (a clock late where they are many), and
            # number of columns whose sums are taken.
            "rows": Out(range(self._crossbar.rows_per_clock + 1)),
            "columns": Out(range(self._crossbar.neurons_per_clock + 1)),
            # The layer's bits of the engine's port.
            "activity": Out(4),
        }
        if parameters.noisy_sums or (self._hidden and parameters.noisy):
            ports["noise"] = In(stream.Signature(noise_layout(parameters, number)))
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the layer."""
        p = self._crossbar
        read = self.read
        m.submodules.crossbar = crossbar = make_crossbar(p)
        events = crossbar.events
        sums = crossbar.sums
        self._build_cells(m, crossbar.cells)
        if self._offsets:
            self._build_offsets(m, crossbar.offsets)
        here = Signal()  # this layer's line is read
        # A clock late on wide targets, where the signal has far to go; the first request comes
        # later still.
        known = m.d.sync if p.target.wide else m.d.comb
        known += here.eq(read.line.layer == self._number)
        # A clock late, beside the switches between images and the line.
        (reading,) = copies(m, platform, read.reading, 1, "reading")
        picked = Signal(range(max(p.neurons_per_clock, 2)))
        word: Value = Array(sums.payload.sums)[picked]
        if p.tiling is not None:
            word >>= p.tiling.shift  # the row is read as it is
            m.d.comb += crossbar.bare.eq(reading)
        with m.If(reading):
            m.d.comb += [events.valid.eq(read.drive & here), events.payload.last.eq(1)]
            part_bits = (p.rows_per_clock - 1).bit_length()
            for part in range(p.rows_per_clock):
                slot = events.payload.slots[part]
                # A silent slot's row is 0: the last row of another part need not exist.
                with m.If(read.line.address[:part_bits] == part):
                    m.d.comb += [slot.row.eq(read.line.address[part_bits:]), slot.value.eq(1)]
        with m.Else():
            wiring.connect(m, wiring.flipped(self.events), events)

        following: Any = wiring.flipped(self.out)
        credit: Value = Const(1)  # the next stage has room for a sum
        if self._hidden:
            following, credit = self._build_neurons(m, here)
        elif self._parameters.noisy_sums:
            following = self._build_amplifiers(m)
        in_last = (p.columns - 1) % p.neurons_per_clock + 1
        last_picked = Signal()
        waits = Signal()  # sums wait to be read
        release = Signal()  # sums that were read leave
        m.d.comb += [
            read.taken.eq(events.ready & here),
            last_picked.eq(picked == Mux(sums.payload.last, in_last, p.neurons_per_clock) - 1),
            read.words.payload.data.eq(word),
            read.words.payload.last.eq(sums.payload.last & last_picked),
            following.payload.eq(sums.payload),
        ]
        m.d.sync += [
            waits.eq(read.collect & here & sums.valid & ~release),
            release.eq(0),
        ]
        with m.If(read.collect):
            m.d.comb += [sums.ready.eq(release), read.words.valid.eq(waits & ~release)]
            with m.If(read.words.valid & read.words.ready):
                m.d.sync += [picked.eq(Mux(last_picked, 0, picked + 1)), release.eq(last_picked)]
        with m.Else():
            m.d.comb += [
                following.valid.eq(sums.valid & credit),
                sums.ready.eq(following.ready & credit),
            ]

        took_event, took_sum = Signal(), Signal()
        # Rows that are read back are not counted. Their signals come from too far to join a sum of
        # many rows.
        many = p.rows_per_clock > 4
        counted: Any = self.events if self._parameters.kinds or many else events
        leaves: Value = took_sum  # output of the layer
        ends: Value = sums.payload.last
        if not self._hidden and self._parameters.noisy_sums:
            # The amplifiers' sums are the logits.
            leaves = self.out.valid & self.out.ready
            ends = self.out.payload.last
        driven = [slot.value.any() for slot in counted.payload.slots]
        rows = sum(took_event & each for each in driven)
        if many:
            # The handshake is known late in a clock, and counting takes half of one.
            rows = Mux(later(m, took_event, "took"), later(m, sum(driven), "driven"), 0)
        m.d.comb += [
            took_event.eq(counted.valid & counted.ready & ~reading),
            took_sum.eq(following.valid & following.ready),
            self.rows.eq(rows),
            self.columns.eq(Mux(took_sum, Mux(sums.payload.last, in_last, p.neurons_per_clock), 0)),
            self.activity.eq(
                Cat(
                    took_event,
                    took_event & counted.payload.last,
                    leaves,
                    leaves & ends,
                )
            ),
        ]

    def _build_cells(self, m: Module, cells: stream.Interface) -> None:
        """Pass words to the crossbar, from the link or the Programmer."""
        load = self.load.payload
        word = self.word
        m.d.comb += self.load.ready.eq(1)
        written = m.d.sync if self._meets else m.d.comb
        written += [
            cells.valid.eq(self.programs | (self.load.valid & (load.memory == WEIGHTS))),
            cells.payload.first.eq(Mux(self.programs, word.first, load.first)),
            cells.payload.row.eq(Mux(self.programs, word.row, load.address)),
            cells.payload.word.eq(Mux(self.programs, word.word, load.data)),
        ]

    def _build_offsets(self, m: Module, offsets: stream.Interface) -> None:
        """Pass offsets to the converters of tiles, from the link."""
        load = self.load.payload
        written = m.d.sync if self._crossbar.target.wide else m.d.comb
        written += [
            offsets.valid.eq(self.load.valid & (load.memory == TILE_OFFSETS)),
            offsets.payload.first.eq(load.first),
            offsets.payload.tile.eq(load.address),
            offsets.payload.data.eq(load.data),
        ]

    def _build_neurons(self, m: Module, here: Signal) -> tuple[stream.Interface, Value]:
        """Build V-I converters, neurons and row driver; return the stream for sums, and their
        credit.
        """
        p = self._parameters
        number = self._number
        m.submodules.converter = converter = ViConverter(p, number)
        m.submodules.neurons = neurons = NeuronArray(p, number)
        activations = neurons.activations
        sums: stream.Interface = converter.sums
        m.submodules.reservation = reservation = Reservation(
            activations.payload.shape(),
            UNDER_WAY,
            # Yosys makes a block RAM of eight activations side by side, and the next crossbar's
            # logic begins at its output.
            distributed=self._crossbar.neurons_per_clock > 4,
        )
        m.submodules.driver = driver = RowDriver(p, number)
        wiring.connect(m, converter.currents, neurons.currents)
        given = p.map(number, pooled=False)
        if given is None or given == p.map(number):
            wiring.connect(m, reservation.waiting, driver.activations)
        else:
            m.submodules.pool = pool = Pool(given)
            wiring.connect(m, reservation.waiting, pool.activations)
            wiring.connect(m, pool.largest, driver.activations)
        wiring.connect(m, driver.events, wiring.flipped(self.out))
        credit: Value = reservation.credit
        if p.noisy:
            # Drawn far away: only registers are where it is taken.
            m.submodules.noise = noise = RegisterSlice(noise_layout(p, number), every_clock=True)
            wiring.connect(m, wiring.flipped(self.noise), noise.i)
            credit = reservation.credit & noise.o.valid
            m.d.comb += noise.o.ready.eq(reservation.taken)
            if p.noisy_sums:
                m.submodules.amplifiers = amplifiers = Amplifiers(p, number)
                wiring.connect(m, amplifiers.amplified, converter.sums)
                m.d.comb += [
                    amplifiers.noise.eq(noise.o.payload),
                    converter.noise.eq(amplifiers.uses),
                ]
                sums = amplifiers.sums
            else:
                m.d.comb += converter.noise.eq(noise.o.payload.uses)

        # Registered for routing. A loaded byte arrives long before a sum comes or a line is read.
        reading = Signal()
        load_valid = Signal()
        address = Signal(16, reset_less=True)
        load = Signal(LOAD_LAYOUT, reset_less=True)
        near = m.d.sync if self._crossbar.target.wide else m.d.comb
        near += [load.eq(self.load.payload), load_valid.eq(self.load.valid)]
        m.d.sync += [reading.eq(self.read.reading), address.eq(self.read.line.address)]
        for memory in (converter, neurons):
            m.d.comb += [
                memory.load.payload.eq(load),
                memory.load.valid.eq(load_valid),
                memory.probe.eq(reading),
            ]
        which = self.read.line.memory
        found = Mux(which == CONVERTER, converter.word, converter.shift)
        m.d.comb += [
            reservation.taken.eq(sums.valid & sums.ready),
            reservation.arrives.eq(activations.valid),
            reservation.payload.eq(activations.payload),
            activations.ready.eq(1),
            converter.column.eq(address),
            neurons.address.eq(address),
            self.read.found.eq(Mux(here, Mux(which == TABLE, neurons.entry, found), 0)),
        ]
        return sums, credit

    def _build_amplifiers(self, m: Module) -> stream.Interface:
        """Build the amplifiers of the last layer; return the stream for its sums."""
        m.submodules.amplifiers = amplifiers = LastAmplifiers(self._parameters)
        layout = noise_layout(self._parameters, self._number)
        m.submodules.noise = noise = RegisterSlice(layout, every_clock=True)
        wiring.connect(m, wiring.flipped(self.noise), noise.i)
        wiring.connect(m, noise.o, amplifiers.noise)
        wiring.connect(m, amplifiers.amplified, wiring.flipped(self.out))
        m.d.comb += [
            amplifiers.load.payload.eq(self.load.payload),
            amplifiers.load.valid.eq(self.load.valid),
        ]
        return amplifiers.sums
