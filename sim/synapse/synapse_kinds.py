"""The register of the kinds of synapses that a device file may name; a new kind is one class."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from allspin.sim.errors import UnknownKind
from allspin.sim.plain_values import TomlTable
from allspin.sim.synapse.response import PulseResponse, Response
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.table_synapse import TableSynapse

SYNAPSES: dict[str, Callable[[TomlTable], Synapse]] = {}
"""Function that makes a synapse from its table in a device file, by the kind in the table."""

Kind = TypeVar("Kind", bound=type[Response])


def register_synapse(kind: str, make: Callable[[TomlTable], Synapse]) -> None:
    """Register a kind of synapse for device files.

    Parameters
    ----------
    kind : str
        Name of the kind in a file.
    make : callable
        Function that reads the rest of ``[synapse]``, key by key, and returns the synapse.

    Raises
    ------
    ValueError
        If the kind is registered already.
    """
    if SYNAPSES.setdefault(kind, make) is not make:
        raise ValueError(f"there is a kind of synapse {kind} already")


def register_response(law: Kind) -> Kind:
    """Register the paper's synapse with another response for device files; a class decorator.

    Parameters
    ----------
    law : type of Response
        The class, a frozen dataclass. Files name its parameters as the class does, and `pulses`,
        `low` and `high` as P_max, R_min and R_max.

    Raises
    ------
    ValueError
        If the kind is registered already.
    """
    register_synapse(law.kind, partial(SotSynapse.from_table, response=law))
    return law


def synapse_from_table(table: TomlTable) -> Synapse:
    """Read the synapse from the table ``[synapse]`` of a device file.

    Raises
    ------
    UnknownKind
        If the kind is not registered.
    ValueError
        If a key is missing, unknown or outside its range.
    """
    kind = table.take("kind")
    if not isinstance(kind, str) or kind not in SYNAPSES:
        raise UnknownKind.named("[synapse] kind", SYNAPSES, kind)
    return SYNAPSES[kind](table)


register_response(PulseResponse)
register_synapse("table", TableSynapse.from_table)
