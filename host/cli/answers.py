"""Answers of commands: their exit statuses, and tables or JSON on stdout."""

import contextlib
import json
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from allspin.host.show.progress import Steps
from allspin.host.show.result import Result
from allspin.host.show.say import say
from allspin.host.show.table import Table
from allspin.host.show.terminal import print_tables

FAILED = 1
"""Exit status of an outcome named in a command's help, such as logits that differ."""
INTERRUPTED = 130
"""Exit status of a training that Ctrl-C ended."""


TERMINATED = 128 + signal.SIGTERM
"""Exit status of a command that SIGTERM ended behind its training."""


class Ending:
    """SIGTERM, by which a cluster ends a job: as Ctrl-C while a network trains, then noted.

    Attributes
    ----------
    trains : bool
        True until the network is there.
    came : bool
        True if the signal has come.
    """

    def __init__(self) -> None:
        self.trains = True
        self.came = False

    def __call__(self, *_: object) -> None:
        """Handle the signal."""
        self.came = True
        if self.trains:
            raise KeyboardInterrupt

    def saved(self, interrupted: bool) -> None:
        """End the command if the signal came behind the training, now that its network is saved."""
        if self.came and not interrupted:
            raise SystemExit(TERMINATED)


@contextlib.contextmanager
def ended_by_clusters() -> Iterator[Ending]:
    """Handle SIGTERM until a network is trained and saved."""
    ending = Ending()
    before = signal.signal(signal.SIGTERM, ending)
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, before)


def answer(
    steps: Steps,
    record: Mapping[str, Any],
    tables: Table | Sequence[Table],
    notes: Iterable[str] = (),
    *,
    json_wanted: bool,
) -> None:
    """Print a command's result.

    Parameters
    ----------
    steps : Steps
        Display of the steps, which is removed.
    record : mapping
        Result for JSON.
    tables : Table or sequence of Table
        Result for people.
    notes : iterable of str
        Lines behind the tables.
    json_wanted : bool
        Print the record as one JSON object in place of tables and notes.
    """
    steps.stop()
    if json_wanted:
        say(json.dumps(record))
    else:
        tables = [tables] if isinstance(tables, Table) else tables
        print_tables(tables, map(steps.named, notes))


def answer_result(steps: Steps, result: Result, *, json_wanted: bool) -> None:
    """Print a result: its record as JSON, or its tables and notes; see `answer`."""
    answer(steps, result.to_dict(), result.tables(), result.notes(), json_wanted=json_wanted)
