"""Judges: compare the results of resident images with their labels, and count."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.resident.beat_memory import COLUMN_BITS, COLUMN_LINES
from allspin.hdl.resident.plain_memory import PlainMemory
from allspin.hdl.stream.buffers import Queue
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_memory import WordMemory
from allspin.hdl.stream.registers import later


def counts_layout(parameters: EngineParameters) -> data.StructLayout:
    """Layout of a run's counts.

    Members
    -------
    answers, correct : 16 bits
        Results, and results that equal their labels.
    cycles : unsigned
        Clocks.
    """
    return data.StructLayout({"answers": 16, "correct": 16, "cycles": parameters.counter_bits})


class Judge(Component):
    """Compare results with their labels in a memory, and count.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the engine.
    images : int
        Number of labels.
    """

    def __init__(self, parameters: EngineParameters, images: int) -> None:
        self._images = images
        class_ = range(max(parameters.classes, 2))
        self._registered = parameters.target.registered_blocks
        super().__init__(
            {
                # Store `stored` at `place`.
                "write": In(1),
                # Number of an image, and its label.
                "place": In(16),
                "stored": In(16),
                # Begin to count, at image 0.
                "clear": In(1),
                # Results are counted, and so is the clock.
                "count": In(1),
                # The next image's result is complete.
                "answered": In(1),
                # Its class.
                "winner": In(class_),
                # A result has not been counted yet.
                "busy": Out(1),
                # The counts so far.
                "counts": Out(counts_layout(parameters)),
                # Outside a run: the label to put on `label` two clocks later.
                "address": In(16),
                # A class.
                "label": Out(class_),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the judge."""
        self._build_labels(m)
        winners = [Signal.like(self.winner, name=f"winner_{clock}") for clock in range(2)]
        counts = self.counts
        coming = Signal(4)
        hit = Signal()
        m.d.comb += self.busy.eq(coming.any())
        m.d.sync += [
            coming.eq(Cat(self.answered, coming)),
            winners[0].eq(self.winner),
            winners[1].eq(winners[0]),
            hit.eq(coming[1] & (winners[1] == self.label)),
            counts.answers.eq(counts.answers + self.answered),
            counts.correct.eq(counts.correct + hit),
            counts.cycles.eq(counts.cycles + self.count),
        ]
        with m.If(self.clear):
            m.d.sync += counts.eq(0)

    def _build_labels(self, m: Module) -> None:
        """Build the labels' memory, whose latency is two clocks."""
        address = Signal(range(self._images))
        m.d.comb += address.eq(Mux(self.count, self.counts.answers, self.address))
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
        m.submodules.labels = labels = PlainMemory(self.label.shape(), self._images)
        m.d.comb += [
            labels.write.eq(self.write),
            labels.place.eq(self.place),
            labels.stored.eq(self.stored),
            labels.address.eq(address),
            self.label.eq(labels.found),
        ]


LABELS_WAITING = 32
"""Largest number of images under way; further images wait."""


class LabelJudge(Judge):
    """Compare results with labels that come with the images, and count.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        super().__init__(parameters, 1)
        self._labels = Queue(len(self.label), LABELS_WAITING, distributed=True)

    @property
    def labels(self) -> Any:
        """Stream of the images' labels, each before its image's result."""
        return self._labels.i

    def _build_labels(self, m: Module) -> None:
        """Build the queue of labels: the oldest stays until its result has been compared.

        The queue is empty at the end of a run.
        """
        m.submodules.labels = labels = self._labels
        answered = later(m, self.answered, "answered", 2, guarded=True)
        m.d.comb += [self.label.eq(labels.o.payload), labels.o.ready.eq(answered | ~self.count)]
