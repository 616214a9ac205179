"""What a neuron costs: a CMOS one in cells, a spin one by its device file."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.hdl.cost.cells import synthesise
from allspin.hdl.neuron.cell_block import CellBlock, Currents
from allspin.hdl.neuron.neuron import neuron_gateware
from allspin.sim.cost.liberty import Library
from allspin.sim.cost.netlist import Activity, Energy, Netlist
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network


@dataclass(frozen=True, eq=False)
class Uses:
    """The uses of a network's hidden neurons on some images.

    Attributes
    ----------
    currents : ndarray of int64, shape (images, neurons)
        Input currents of all hidden layers' neurons, one column a neuron.
    activations : ndarray of int64, shape (images, neurons)
        What the golden model makes of them.
    """

    currents: Currents
    activations: Currents


def record_uses(network: Network, images: npt.NDArray[np.uint8]) -> Uses:
    """Currents and activations of every hidden neuron on some images."""
    currents, activations = [], []
    for trace in GoldenModel(network).trace(images):
        if trace.currents is not None and trace.activations is not None:
            currents.append(trace.currents)
            activations.append(trace.activations.astype(np.int64))
    return Uses(np.concatenate(currents, axis=1), np.concatenate(activations, axis=1))


@dataclass(frozen=True, eq=False)
class CellPrice:
    """A CMOS neuron in standard cells.

    Attributes
    ----------
    netlist : Netlist
        Its cells.
    activity : Activity
        What its nets did.
    energy : Energy
        Of a clock, which is a use.
    period : float
        Of the clock, ns.
    input_activity : float
        Transitions of an input bit in a clock, mean over bits and uses.
    """

    netlist: Netlist
    activity: Activity
    energy: Energy
    period: float
    input_activity: float

    @property
    def longest_path(self) -> float:
        """Ps."""
        return self.netlist.longest_path()


def price_in_cells(network: Network, uses: Uses, library: Library, period: float) -> CellPrice:
    """Map a network's neuron to cells, and run it on what its neurons did.

    Each neuron is a copy of the block that is used once an image, a clock a use.

    Parameters
    ----------
    network : Network
        Whose hidden neurons are meant; their kind is no spin device.
    uses : Uses
        From `record_uses`.
    library : Library
        The cells.
    period : float
        Of the clock, ns.

    Raises
    ------
    UserError
        If the block does not close timing at this period.
    AssertionError
        If the cells do not compute the golden model's activations.
    """
    block = neuron_gateware(network.neuron.name).cells(network, uses.currents)
    netlist = synthesise(block.component, library, period)
    check_timing(netlist, network.neuron.name, period)
    activity = netlist.simulate(block.stimulus)
    wanted = uses.activations
    shown = activity.outputs["activation"]
    if block.registered:  # the activation is there a clock later
        wanted, shown = wanted[:-1], shown[1:]
    assert np.array_equal(shown, wanted), f"the cells of {network.neuron.name} compute otherwise"
    return CellPrice(
        netlist, activity, netlist.energy(activity, period), period, _input_activity(block)
    )


def check_timing(netlist: Netlist, name: str, period: float) -> None:
    """Raise `UserError` unless a netlist's longest path fits into a clock."""
    if netlist.longest_path() > 1000 * period:
        raise UserError(
            f"{name} needs {netlist.longest_path() / 1000:.2f} ns in these cells, but the clock "
            f"has {period:g} ns; give a lower `frequency`"
        )


def _input_activity(block: CellBlock) -> float:
    """Transitions of an input bit in a clock; constant inputs are left out."""
    toggles = bits = 0
    for name, values in block.stimulus.items():
        if len(np.unique(values)) == 1:
            continue
        width = len(getattr(block.component, name))
        changed = (values[1:] ^ values[:-1]) & (2**width - 1)
        toggles += int(np.bitwise_count(changed.astype(np.uint64)).sum())
        bits += width * changed.size
    return toggles / bits if bits else 0.0


def mean_square_current(uses: Uses) -> float:
    """Mean of the squared input current, in units of its squared mean, as counted.

    A spin neuron's stated current is a mean; its heat follows the mean square.
    """
    mean = float(np.mean(uses.currents))
    return float(np.mean(uses.currents.astype(np.float64) ** 2)) / mean**2 if mean else 1.0
