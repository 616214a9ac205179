"""R_AH levels of a device's states, chosen by the pulses that reach them."""

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_one_of
from allspin.sim.network.levels import uniform_levels
from allspin.sim.programming.plans import plan_layer, quieter
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.synapse import Synapse

LEVEL_CHOICES = {
    "nearest": "what trains of whole pulses, of the quieter polarity, reach nearest to uniform "
    "levels",
    "either": "what trains of whole pulses of either polarity reach nearest to uniform levels",
    "every": "every so many pulses of the quieter polarity's curve (ten states: every tenth "
    "of a hundred pulses)",
    "pulses": "one pulse a state, on a curve of the quieter polarity that crosses the range "
    "in as many (ten states: ten pulses)",
    "uniform": "uniform levels, whether whole pulses reach them or not",
}
"""Ways to choose the levels of a device's states."""


def device_levels(
    synapse: Synapse, states: int, choice: str = "nearest", rah_bits: int = 8
) -> npt.NDArray[np.int16]:
    """Compute the R_AH words of a device's states.

    Parameters
    ----------
    synapse : Synapse
        The device.
    states : int
        Number of states, 2 to 128.
    choice : str
        One of `LEVEL_CHOICES`.
    rah_bits : int
        Width of a word.

    Returns
    -------
    ndarray of int16, shape (states,)
        Never falling; the outermost are the ends of the device's range. Neighbours may have
        one word, where no train ends between them.

    Raises
    ------
    ValueError
        If a value is outside its range, or the states do not fit the words.
    """
    check_one_of("the choice of levels", choice, LEVEL_CHOICES)
    uniform = uniform_levels(states, rah_bits)
    if choice == "uniform":
        return uniform
    top = int(uniform[-1])
    scale = 2 * top / synapse.span
    if choice == "nearest":
        return plan_layer(synapse, uniform, Programming(), rah_bits, mean_device=True).reached
    if choice == "either":
        reached = np.concatenate([written.law.mean for written in synapse.trains])
        words = np.unique(np.rint((reached - synapse.low) * scale - top))
        nearest = np.abs(words - uniform[:, None]).argmin(axis=1)
        levels = words[nearest]
    else:
        polarity = quieter(synapse)
        way = len(synapse.trains[polarity].law.mean) - 1
        if choice == "every":
            levels = synapse.curve(polarity, np.rint(np.arange(states) * way / (states - 1)))
        else:
            levels = synapse.short_curve(polarity, states - 1)
        levels = np.sort(np.rint((levels - synapse.low) * scale - top))
    levels[0], levels[-1] = -top, top
    return levels.astype(np.int16)
