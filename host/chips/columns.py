"""Columns of chips: the variations that they have, and the scheme that programs them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from allspin.host.chips.accuracy import Lot
from allspin.sim.device.device import Device
from allspin.sim.errors import not_one_of

VARIATIONS = {
    "c2c": "the synapse's C2C",
    "d2d": "the synapse's D2D",
    "neuron": "the neuron's D2D and C2C",
    "gain": "of these, the D2D of gain",
    "threshold": "of these, the D2D of threshold",
    "use": "of these, the C2C",
}
"""Variations of a device that can be turned on one by one."""
NEURON = frozenset({"gain", "threshold", "use"})
"""Parts of the variation "neuron"."""


def only(device: Device, variations: Iterable[str]) -> Device:
    """Turn off all variations of a device but some.

    Parameters
    ----------
    device : Device
        The device; its imperfections stay as they are.
    variations : iterable of str
        Names of `VARIATIONS` that stay on.

    Raises
    ------
    ValueError
        If there is no such variation.
    """
    kept = set(variations)
    for name in sorted(kept - set(VARIATIONS)):
        raise ValueError(not_one_of("a variation", name, VARIATIONS))
    off = {} if "neuron" in kept else dict.fromkeys(NEURON - kept, 0.0)
    return replace(
        device,
        synapse=device.synapse.varied(float("c2c" in kept), float("d2d" in kept)),
        neuron_variation=replace(device.neuron_variation, **off),
    )


@dataclass(frozen=True)
class Column:
    """Variations of chips, and their programming: a row of the table of ``allspin chips``.

    Attributes
    ----------
    title : str
        Title in tables and pictures.
    variations : tuple of str
        Names of `VARIATIONS` that are on.
    scheme : str
        One of `allspin.sim.programming.schemes.SCHEMES`.
    calibrated : bool
        True if the thresholds of the neurons are calibrated.
    polarity : str or None
        One of `allspin.sim.programming.schemes.POLARITIES`; None for the lot's own.

    Examples
    --------
    >>> Column("all variation", ("c2c", "d2d", "neuron"), "write-verify", calibrated=True).scheme
    'write-verify'
    """

    title: str
    variations: tuple[str, ...]
    scheme: str
    calibrated: bool = False
    polarity: str | None = None

    def lot(self, lot: Lot) -> Lot:
        """Return the chips of a lot with this column's variations and programming.

        Parameters
        ----------
        lot : Lot
            Chips with all variations.
        """
        own = lot.programming
        programming = replace(own, scheme=self.scheme, polarity=self.polarity or own.polarity)
        return Lot(only(lot.device, self.variations), lot.seeds, programming, self.calibrated)


COLUMNS = (
    Column("open loop", ("c2c", "d2d", "neuron"), "open-loop"),
    Column("open loop, C2C only", ("c2c",), "open-loop"),
    Column("write-verify, C2C only", ("c2c",), "write-verify"),
    Column("write-verify, C2C and D2D of synapses", ("c2c", "d2d"), "write-verify"),
    Column("write-verify, calibrated", ("c2c", "d2d", "neuron"), "write-verify", True),
)
"""Columns of all variation, which no title names, and of a part, which the title names."""
CAUSES = (
    Column("ideal", (), "pulse-width"),
    Column("C2C, open loop", ("c2c",), "open-loop"),
    Column("C2C, open loop, by halves", ("c2c",), "open-loop", polarity="halves"),
    Column("C2C, open loop, by potentiation", ("c2c",), "open-loop", polarity="potentiation"),
    Column("C2C, pulse width", ("c2c",), "pulse-width"),
    Column("C2C, write-verify", ("c2c",), "write-verify"),
    Column("C2C, incremental", ("c2c",), "incremental"),
    Column("D2D of synapses, open loop", ("d2d",), "open-loop"),
    Column(
        "D2D of synapses, open loop, by depression", ("d2d",), "open-loop", polarity="depression"
    ),
    Column("D2D of synapses, write-verify", ("d2d",), "write-verify"),
    Column("D2D of synapses, incremental", ("d2d",), "incremental"),
    Column("C2C and D2D of synapses, open loop", ("c2c", "d2d"), "open-loop"),
    Column("neurons' gain", ("gain",), "pulse-width"),
    Column("neurons' threshold", ("threshold",), "pulse-width"),
    Column("neurons' threshold, calibrated", ("threshold",), "pulse-width", True),
    Column("neurons' C2C", ("use",), "pulse-width"),
    Column("all variation, open loop", ("c2c", "d2d", "neuron"), "open-loop"),
    Column("all variation, open loop, calibrated", ("c2c", "d2d", "neuron"), "open-loop", True),
)
"""Columns of each variation alone, and of all variations with cells that are not read."""


def _of_known(title: str) -> str:
    """Return the title of a column of which a device has some variations."""
    if "all " in title:
        return title.replace("all ", "all known ")
    return f"{title}, known variation"


def known(columns: Sequence[Column], device: Device) -> Sequence[Column]:
    """Select the columns that apply to a device.

    A column of variations that the device lacks, mostly because they were not measured, would
    claim a result about them. Calibration mends D2D alone. If a device has some of a column's
    variations, the title says that only known ones are meant.
    """
    varying = {name for name in NEURON if getattr(device.neuron_variation, name)}
    if device.synapse.devices_differ:
        varying.add("d2d")
    kept = []
    for column in columns:
        wanted = set(column.variations) - {"c2c", "neuron"}
        if "neuron" in column.variations:
            wanted |= NEURON
        found = wanted & varying
        if column.calibrated:
            found.discard("use")
        if wanted <= varying:
            kept.append(column)
        elif found:
            kept.append(replace(column, title=_of_known(column.title)))
    return tuple(kept) or columns
