"""Many chips, each shown the same resident images: batches outside, chips inside.

A batch of images goes over the link once for all chips. What a chip differs by from the one before
follows it, a redraw and a run: a group of requests, of which several are under way.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature, Request
from allspin.hdl.parameters.memory_map import ENGINE, REDRAW
from allspin.host.link.machines.chip_programming import REDRAW_LINE, ChipMaker
from allspin.host.link.machines.resident import SLOWEST, ResidentCounts, ResidentImages
from allspin.host.link.payloads.memories import Memories
from allspin.host.link.wire.groups import Group
from allspin.sim.chip.chip import Chip
from allspin.sim.network.network import Network

Progress = Callable[[int], None]
"""Called with the number of images shown so far, all chips together."""
REDRAW_CLOCKS = 4
"""That a redraw takes for each cell, at most."""


class ResidentChips:
    """Chips on a machine that redraws them and keeps images.

    Parameters
    ----------
    machine : Memories
        What they are made on.
    maker : ChipMaker
        Makes them there.
    """

    def __init__(self, machine: Memories, maker: ChipMaker) -> None:
        self._machine, self._maker = machine, maker

    @property
    def possible(self) -> bool:
        """Whether the machine keeps images, and makes each chip of states that are there."""
        return self._maker.redraws and Feature.RESIDENT in self._machine.identity.features

    def run(
        self,
        chips: Sequence[tuple[Chip, Network]],
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer],
        progress: Progress = lambda shown: None,
    ) -> list[ResidentCounts]:
        """Show all images to each chip.

        Parameters
        ----------
        chips : sequence of (Chip, Network)
            Chips of one network and one kind of device, as of `ChipMaker.make`.
        images, labels
            As of `allspin.host.link.machines.resident.ResidentImages.load`.
        progress : callable
            Called with the number of images shown so far, all chips together.

        Returns
        -------
        list of ResidentCounts
            Of each chip.

        Raises
        ------
        UserError
            If a chip has noise that the machine has not, or the machine fails or was reset.
        """
        self._maker.make(*chips[0])
        redraws = self._redraws(chips)
        counts = [ResidentCounts(0, 0, 0)] * len(chips)
        resident = ResidentImages(self._machine)
        clocks = REDRAW_CLOCKS * sum(
            layer.rows * layer.columns for layer in self._machine.identity.layers
        )
        seconds = clocks / (self._machine.identity.frequency or SLOWEST)
        for batch in resident.batches(images, labels):
            run = resident.requests(batch.start)
            answers = self._machine.ask_groups(
                [[*redraw, *run] for redraw in redraws],
                lambda done, batch=batch: progress(batch.start * len(chips) + len(batch) * done),
                seconds=seconds + resident.seconds,
            )
            found = [resident.counts(answer) for answer in answers]
            counts = [before + more for before, more in zip(counts, found, strict=True)]
        return counts

    def _redraws(self, chips: Sequence[tuple[Chip, Network]]) -> list[Group]:
        """What makes each chip of any other: the memories that are not alike, and a redraw."""
        memories = [dict(self._maker.memories(*chip)) for chip in chips]
        # One that is not used, as those of amplifiers without offsets, some chips have not.
        alike = {
            space
            for space, lines in memories[0].items()
            if all(space in each and np.array_equal(each[space], lines) for each in memories)
        }
        return [
            [
                (Request.WRITE, body)
                for body in self._machine.writes(
                    [
                        *((space, lines) for space, lines in each.items() if space not in alike),
                        (ENGINE << 4 | REDRAW, REDRAW_LINE),
                    ]
                )
            ]
            for each in memories
        ]
