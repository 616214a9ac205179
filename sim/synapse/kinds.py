"""Every kind of synapse that a device file may name; a kind more is one class."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from allspin.sim.extensions import UnknownKind
from allspin.sim.files import Table
from allspin.sim.synapse.response import PulseResponse, Response
from allspin.sim.synapse.synapse import SotSynapse, Synapse
from allspin.sim.synapse.table_synapse import TableSynapse

SYNAPSES: dict[str, Callable[[Table], Synapse]] = {}
"""What makes a synapse of its table in a device file, by the kind that is named there."""

Law = TypeVar("Law", bound=type[Response])


def register_synapse(kind: str, make: Callable[[Table], Synapse]) -> None:
    """Make a kind of synapse known to device files.

    Parameters
    ----------
    kind : str
        What a file calls it.
    make : callable
        Takes the rest of ``[synapse]``, key by key, and returns the synapse.

    Raises
    ------
    ValueError
        If there is such a kind already.
    """
    if kind in SYNAPSES:
        raise ValueError(f"there is a kind of synapse {kind} already")
    SYNAPSES[kind] = make


def register_response(law: Law) -> Law:
    """Make the paper's synapse with another response known to device files; a decorator.

    Parameters
    ----------
    law : type of Response
        The class, a frozen dataclass. Files have its parameters by their names, and `pulses`,
        `low` and `high` as P_max, R_min and R_max.

    Raises
    ------
    ValueError
        If there is such a kind already.
    """
    register_synapse(law.kind, partial(SotSynapse.from_table, response=law))
    return law


def synapse_from_table(table: Table) -> Synapse:
    """The synapse that ``[synapse]`` of a device file describes.

    Raises
    ------
    UnknownKind
        If there is no such kind.
    ValueError
        If a key is missing, strange or out of its range.
    """
    kind = table.take("kind")
    if not isinstance(kind, str) or kind not in SYNAPSES:
        raise UnknownKind.named("[synapse] kind", SYNAPSES, kind)
    return SYNAPSES[kind](table)


register_response(PulseResponse)
register_synapse("table", TableSynapse.from_table)
