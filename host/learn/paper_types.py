"""The paper's four types of networks, as recipes of learning in the array.

Each type belongs to one of two families, and no parameter is tuned for a single type:

software synapses (types 1 and 2)
    Plain stochastic gradient descent, batches of 32, rate 0.1, 5 epochs.
SOT synapses (types 3 and 4)
    The same rule, batches of 32, rate 0.03, 3 epochs. Each change is rounded at random to whole
    pulses, and each pulse is one state of equal size, as of a linearised response. Weights are
    from -1 to 1, and each update has a cycle-to-cycle deviation of 0.014 of the range.

Both families train on all training images, without biases, from Gaussian weights of variance
``2 / rows`` (K. He et al., ICCV 2015). The paper gives neither rates nor epochs.

Assumptions, since the text does not give these values:

* the gain of the V-I converter (`allspin.host.learn.parameters.FULL_SCALE`): 30 weights of 1 at
  full row current drive a neuron with its full-scale current. No column sum of any type then
  reaches the end of the curve. A smaller value makes the SOT neuron cost no accuracy (97 %), a
  larger one makes it cost more;
* threshold, slope and knee of the neuron's curve (``host/data/devices/paper.toml``);
* the C2C of 0.014, which is the *neuron's* figure. The report also runs the synapse's own figures,
  0.065 and 0.029.
"""

import math

from allspin.host.learn.parameters import CYCLE_DEVIATION, ArrayParameters
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation


def linear_synapse(
    states: int,
    c2c: CycleVariation = CycleVariation(),  # noqa: B008 (it is frozen)
    d2d: DeviceVariation = DeviceVariation(),  # noqa: B008
) -> SotSynapse:
    """Return a synapse whose pulses are equal steps between states, R_AH from -1 to 1."""
    response = PulseResponse(math.inf, states - 1)
    return SotSynapse(response, response, states, c2c, d2d)


def raw_synapse(
    potentiation: float = 22.0,
    depression: float = 9.0,
    states: int = 100,
    c2c: CycleVariation = CycleVariation(),  # noqa: B008 (it is frozen)
) -> SotSynapse:
    """Return a synapse with a nonlinear response, R_AH from -1 to 1; by default the paper's.

    Parameters
    ----------
    potentiation, depression : float
        A of each polarity, in pulses.
    states : int
        States, and P_max, which the paper does not give.
    c2c : CycleVariation
        Cycle-to-cycle variation.
    """
    up = PulseResponse(potentiation, states)
    down = PulseResponse(depression, states)
    return SotSynapse(up, down, states, c2c)


CYCLE = CycleVariation(CYCLE_DEVIATION, CYCLE_DEVIATION)
"""C2C of an update in types 3 and 4, of the range."""
TYPES = {
    1: ArrayParameters(rate=0.1, epochs=5),
    2: ArrayParameters(rate=0.1, epochs=5, neuron=SotNeuron()),
    3: ArrayParameters(synapse=linear_synapse(100, CYCLE), neuron=SotNeuron()),
    4: ArrayParameters(synapse=linear_synapse(10, CYCLE), neuron=SotNeuron()),
}
"""The paper's four types, by number."""
TYPE_NAMES = {
    1: "software ReLU, software synapses",
    2: "SOT neurons, software synapses",
    3: "SOT neurons, SOT synapses of 100 states",
    4: "SOT neurons, SOT synapses of 10 states",
}
"""Description of each type, in the paper's words."""
