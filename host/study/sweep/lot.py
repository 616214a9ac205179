"""Chips of one point together: on a board that keeps images, each batch is sent once for all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import check_fit
from allspin.host.data.extensions import load_extensions
from allspin.host.link.machines.chip_programming import ChipMaker
from allspin.host.link.machines.opening import GOLDEN, VIRTUAL
from allspin.host.link.machines.resident_chips import ResidentChips
from allspin.host.link.payloads.memories import Memories
from allspin.host.study.sweep.job import (
    Job,
    Outcome,
    kept_board,
    make_chip,
    measure,
    outcome_of,
    shown,
)

LOT = 100
"""Chips that are shown the same batches: what an interrupted sweep measures again, at most."""

Watch = Callable[[float], None]
"""Told how many chips' images were shown, beyond the chips that are done."""
NOBODY: Watch = lambda chips: None  # noqa: E731


def lots(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs in their order, neighbours of one point together, as many as a lot may have."""
    for _, same in groupby(jobs, lambda job: (job.point, job.images, job.on, job.material)):
        several = list(same)
        for first in range(0, len(several), LOT):
            yield several[first : first + LOT]


def measure_lot(lot: Sequence[Job], watch: Watch = NOBODY) -> Iterator[tuple[Job, Outcome]]:
    """Measure the chips of a lot: together where the machine can, else one after another.

    Parameters
    ----------
    lot : sequence of Job
        Of one point.
    watch : callable
        Told of chips that are measured together how far they are.

    Yields
    ------
    Job, Outcome

    Raises
    ------
    UserError
        As of `measure`.
    """
    load_extensions()
    together = None
    if len(lot) > 1 and lot[0].on not in (GOLDEN, VIRTUAL):
        with threadpool_limits(1):
            together = _together(lot, watch)
    if together is None:
        for job in lot:
            yield job, measure(job)
    else:
        yield from zip(lot, together, strict=True)


def _together(lot: Sequence[Job], watch: Watch) -> list[Outcome] | None:
    """What the chips of a lot did, if the machine can have them together."""
    made = make_chip(lot[0])
    with kept_board(lot[0], made) as board:
        maker = board.maker_for(lot[0].point, made)
        if not isinstance(board.machine, Memories) or not isinstance(maker, ChipMaker):
            return None
        many = ResidentChips(board.machine, maker)
        if not many.possible:
            return None
        images, labels = shown(lot[0])
        check_fit(made.network, images.shape[1:], labels)
        chips = [made, *(make_chip(job) for job in lot[1:])]
        resent, damaged = board.machine.resent, board.machine.damaged
        found = many.run(
            [(each.chip, each.network) for each in chips],
            images,
            labels,
            lambda count: watch(count / len(images)),
        )
        resent, damaged = board.machine.resent - resent, board.machine.damaged - damaged
    outcomes = [
        outcome_of(each.counts, counts.images, counts.correct)
        for each, counts in zip(chips, found, strict=True)
    ]
    # The line's own, of all chips together.
    return [replace(outcomes[0], resent=resent, damaged=damaged), *outcomes[1:]]
