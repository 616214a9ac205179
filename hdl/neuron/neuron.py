"""The neurons at the foot of the columns, visited one after another.

A kind has one class, found by its name (`neuron_gateware`): kinds with a table share that of a
table, others have their own under `register_gateware`. All take a stream of input currents and
give a stream of activations.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Module, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.neuron.cmos_neuron import TableLogic
from allspin.hdl.neuron.converter import current_layout
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import LOADS
from allspin.sim.network.network import Network

Currents = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CellBlock:
    """A block that makes an activation of a current, and how a current reaches its ports.

    Attributes
    ----------
    component : Component
        The block; its port ``activation`` gives the answer.
    stimulus : dict of ndarray of int64
        Stimulus of each input, by its name: shape (uses, neurons), a use a clock.
    registered : bool
        True if the activation comes a clock later; else it comes at once.
    """

    component: wiring.Component
    stimulus: dict[str, Currents]
    registered: bool


def activation_layout(hidden_bits: int) -> data.StructLayout:
    """Return the layout of a neuron's output.

    Members
    -------
    activation : unsigned, `hidden_bits`
        The output.
    last : 1 bit
        The image's last neuron.
    """
    return data.StructLayout({"activation": hidden_bits, "last": 1})


def neuron_signature(parameters: EngineParameters) -> wiring.Signature:
    """Return the ports of every kind of neuron."""
    return wiring.Signature(
        {
            # `current_layout`, one neuron after another.
            "currents": In(stream.Signature(current_layout(parameters.current_bits))),
            # `activation_layout`, in the same order.
            "activations": Out(stream.Signature(activation_layout(parameters.hidden_bits))),
            # Bytes for the memory TABLE; a neuron without a table ignores them.
            "load": In(LOADS),
            # Show entry `address` of the table on `entry`, three clocks later; only while no
            # current is under way.
            "probe": In(1),
            # Entry to show.
            "address": In(parameters.current_bits),
            # The entry; 0 from a neuron without a table.
            "entry": Out(8),
        }
    )


class NeuronGateware(Component):
    """The gateware of a kind of neuron: a stream of currents in, one of activations out.

    Every kind takes and gives in clocks that do not depend on the currents, so that neurons side
    by side go in step. A kind defines ``build``, and `cells` if it can be priced in cells.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        super().__init__(neuron_signature(parameters))

    @classmethod
    def cells(cls, network: Network, currents: Currents) -> CellBlock:
        """Return the neuron's logic for standard cells: by default its table, as fixed logic.

        Parameters
        ----------
        network : Network
            Network of the hidden neuron.
        currents : ndarray of int64, shape (uses, neurons)
            Input currents that it is driven with.
        """
        table = network.neuron.table(network.current_bits, network.hidden_bits)
        logic = TableLogic(table.tolist(), network.hidden_bits)
        return CellBlock(logic, {"current": currents}, True)

    def _give(self, m: Module, activation: ValueLike) -> None:
        """Offer an activation that is computed at once, a clock later."""
        with m.If(~self.activations.valid | self.activations.ready):
            m.d.comb += self.currents.ready.eq(1)
            m.d.sync += [
                self.activations.valid.eq(self.currents.valid),
                self.activations.payload.last.eq(self.currents.payload.last),
                self.activations.payload.activation.eq(activation),
            ]
