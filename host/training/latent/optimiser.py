"""How parameters follow their gradients."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

BETA_1 = 0.9
BETA_2 = 0.999
EPSILON = 1e-8


class Adam:
    """Adam (Kingma and Ba, 2015, arXiv:1412.6980), in place, and a running average.

    Parameters
    ----------
    parameters : sequence of ndarray of float32
        What learns; changed in place.
    memory : float
        Steps over which the running average of the parameters reaches back; it reaches back
        over a part of the steps so far while they are few.

    Attributes
    ----------
    average : list of ndarray of float32
        Running average of the parameters: a better network than the last step's.
    """

    def __init__(self, parameters: Sequence[Array], memory: float) -> None:
        self.parameters = parameters
        self.memory = memory
        self.average = [parameter.copy() for parameter in parameters]
        self._steps = 0
        self._first = [np.zeros_like(parameter) for parameter in parameters]
        self._second = [np.zeros_like(parameter) for parameter in parameters]

    def step(self, gradients: Sequence[Array], rate: float) -> None:
        """Move against the gradients.

        Parameters
        ----------
        gradients : sequence of ndarray of float32
            As the parameters; overwritten.
        rate : float
            Learning rate.
        """
        self._steps += 1
        size = np.float32(-rate / (1 - BETA_1**self._steps))
        root = np.float32(1 / np.sqrt(1 - BETA_2**self._steps))
        for parameter, gradient, first, second in zip(
            self.parameters, gradients, self._first, self._second, strict=True
        ):
            first *= np.float32(BETA_1)
            first += np.float32(1 - BETA_1) * gradient
            np.multiply(gradient, gradient, out=gradient)
            gradient *= np.float32(1 - BETA_2)
            second *= np.float32(BETA_2)
            second += gradient
            np.sqrt(second, out=gradient)
            gradient *= root
            gradient += np.float32(EPSILON)
            np.divide(first, gradient, out=gradient)
            gradient *= size
            parameter += gradient

    def follow(self) -> None:
        """Take the parameters into the running average."""
        share = np.float32(1 / min(self._steps + 1, self.memory))
        for average, parameter in zip(self.average, self.parameters, strict=True):
            average += share * (parameter - average)
