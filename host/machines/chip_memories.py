"""Loading of a network, or a chip of one, into a machine's memories."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature, Request
from allspin.hdl.parameters.memory_map import ENGINE, REDRAW
from allspin.host.link.memories import (
    Memories,
    Memory,
    crossbar_memories,
    other_memories,
)
from allspin.host.link.session import NO_PROGRESS, Group, Progress
from allspin.host.machines.programmer import (
    check_use_noise,
    chip_line,
    state_memories,
    why_words_are_sent,
    write_tables,
)
from allspin.host.machines.resident import SLOWEST, ResidentCounts, ResidentImages
from allspin.sim.errors import UserError
from allspin.sim.network.fitted import bearable_noise, tabled
from allspin.sim.network.network import Network
from allspin.sim.programming.program import ProgrammedChip

REDRAW_LINE = np.ones((1, 1), np.uint8)
"""Line that orders a redraw."""
REDRAW_CLOCKS = 4
"""Clocks that a redraw takes for each cell, at most."""


class ChipMemories(Memories):
    """Memories that a network or a chip is loaded into; the Programmer draws the words if it can.

    Attributes
    ----------
    words_from : str
        Origin of the R_AH words that were loaded last.
    """

    words_from: str = ""
    _states: list[Memory] | None = None
    """Write tables and states in the machine, for a redraw; None if they are not known."""
    _states_at: int = 0
    """Number of repeated frames when the states were sent."""

    def load_network(self, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Load a network, and clear the counters.

        Parameters
        ----------
        network : Network
            It must fit the machine.
        progress : callable
            Called with the number of frames answered.

        Raises
        ------
        UserError
            If the network does not fit, or the machine does not answer.
        """
        self.check(network)
        words = crossbar_memories(network, self.identity)
        self._write_words([*words, *other_memories(network, self.identity)], progress)
        self.words_from = "words sent by the host"
        self.running = network
        self.clear_counters()

    def load_chip(self, chip: ProgrammedChip, progress: Progress = NO_PROGRESS) -> None:
        """Load a chip, with its words or with the states to draw them from.

        Parameters and errors are those of `load_network`. A `UserError` is also raised if the
        chip has noise at each use that the machine lacks.
        """
        self._check_chip(chip)
        memories = self._chip_memories(chip)
        reason = why_words_are_sent(chip, self.identity)
        if reason is None:
            self._draw_words(chip, memories, progress)
            self.words_from = "words made by the gateware"
        else:
            words = crossbar_memories(chip.network, self.identity)
            self._write_words([*memories, *words], progress)
            self.words_from = f"words sent by the host: {reason}"
        self.running = chip.network
        self.clear_counters()

    def _write_words(self, memories: list[Memory], progress: Progress) -> None:
        """Write memories, among them the R_AH words of every layer."""
        self._states = None
        self.session.line.forget_lost()
        self.write_memories(memories, progress)

    def _draw_words(self, chip: ProgrammedChip, memories: list[Memory], progress: Progress) -> None:
        """Write a chip's memories, and let the Programmer draw its words from its states."""
        self.session.line.forget_lost()
        tables = [*write_tables(chip, self.identity)]
        states = [*state_memories(chip, self.identity)]
        if self._has_states([*tables, *states]):
            self.write_memories(memories, progress)
            self.write_memories([(ENGINE << 4 | REDRAW, REDRAW_LINE)], progress)
        else:
            self._states = None
            # The Programmer draws a word as its state arrives: seed and tables come first.
            self.write_memories([*memories, *tables], progress)
            self.write_memories(states, progress)
        self._states = [*tables, *states]
        self._states_at = self.session.line.repeated

    def forget_states(self) -> None:
        """Forget the states in the machine after a reset, so that the next chip sends them."""
        self._states = None

    def _has_states(self, memories: list[Memory]) -> bool:
        """Return True if the machine can redraw from tables and states of an earlier chip."""
        if self._states is None or Feature.REDRAW not in self.identity.features:
            return False
        if self._states_at != self.session.line.repeated or len(memories) != len(self._states):
            return False
        pairs = zip(memories, self._states, strict=True)
        return all(new[0] == old[0] and np.array_equal(new[1], old[1]) for new, old in pairs)

    def _check_chip(self, chip: ProgrammedChip) -> None:
        """Raise a `UserError` if the machine cannot emulate a chip."""
        identity = self.identity
        self.check(chip.base)
        self.check(chip.network)
        classes = chip.base.classes
        if classes < identity.classes and Feature.GENERAL not in identity.features:
            raise UserError(
                f"on a chip one of the {identity.classes} classes of {self.name} that are not "
                f"of this network's {classes} could win: take a general machine"
            )
        check_use_noise(self.name, identity, chip.noise)
        wide = tabled(chip.base, identity.current_bits, identity.neuron)
        bearable = bearable_noise(wide, identity.topology)
        if chip.noise is not None and bearable is not None and chip.noise.most > bearable:
            raise UserError(
                f"this chip has more C2C of neurons than spare columns of {self.name} "
                "can bear: run it on golden, or on a machine of its own"
            )

    def _chip_memories(self, chip: ProgrammedChip) -> list[Memory]:
        """Return a chip's memories except its words: neurons, converters, noise and seed."""
        memories = [*other_memories(chip.network, self.identity, chip.noise)]
        if Feature.PROGRAMMER in self.identity.features:
            memories.append(chip_line(chip))
        return memories

    def classifies_together(self, chip: ProgrammedChip) -> bool:
        """Return True if the machine keeps images, and redraws each chip from the same states."""
        needed = Feature.RESIDENT | Feature.REDRAW
        if needed not in self.identity.features:
            return False
        return why_words_are_sent(chip, self.identity) is None

    def classify_together(
        self,
        chips: Iterable[ProgrammedChip],
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer],
        progress: Progress = NO_PROGRESS,
    ) -> list[ResidentCounts]:
        """Show all images to each of several chips, a batch of images at a time.

        A batch is sent once for all chips. A group of requests for each chip follows: the
        memories in which the chips differ, a redraw, and a run. Several groups are under way at a
        time.

        Parameters
        ----------
        chips : iterable of ProgrammedChip
            Chips of one network, device and scheme; at least one.
        images, labels
            Images and their classes, as for `allspin.host.machines.resident.ResidentImages.load`.
        progress : callable
            Called with the number of images shown so far, summed over the chips.

        Returns
        -------
        list of ResidentCounts
            Counts of each chip.

        Raises
        ------
        UserError
            If a chip has noise that the machine lacks, or the machine fails or was reset.
        """
        redraws = [*self._redraws(chips)]
        counts = [ResidentCounts(0, 0, 0)] * len(redraws)
        resident = ResidentImages(self)
        identity = self.identity
        clocks = REDRAW_CLOCKS * sum(layer.rows * layer.columns for layer in identity.layers)
        seconds = clocks / (identity.frequency or SLOWEST)
        for batch in resident.batches(images, labels):
            run = resident.requests(batch.start)
            answers = self.session.ask_groups(
                [[*redraw, *run] for redraw in redraws],
                lambda done, batch=batch: progress(batch.start * len(redraws) + len(batch) * done),
                seconds=seconds + resident.seconds,
            )
            for number, answer in enumerate(answers):
                counts[number] += resident.counts(answer[-1])
        return counts

    def _redraws(self, chips: Iterable[ProgrammedChip]) -> Iterator[Group]:
        """Load the first chip, and yield for each chip the requests that make the machine it."""
        memories: list[dict[int, npt.NDArray[np.uint8]]] = []
        for chip in chips:
            if memories:
                self._check_chip(chip)
            else:
                self.load_chip(chip)
            memories.append(dict(self._chip_memories(chip)))
        # A chip may lack a memory: without offsets, the amplifiers' memory is not written.
        alike = {
            space
            for space, lines in memories[0].items()
            if all(space in each and np.array_equal(each[space], lines) for each in memories)
        }
        for each in memories:
            differing = [(space, lines) for space, lines in each.items() if space not in alike]
            bodies = self.writes([*differing, (ENGINE << 4 | REDRAW, REDRAW_LINE)])
            yield [(Request.WRITE, body) for body in bodies]
