"""Adam with a running average of the parameters."""

import numpy as np

from allspin.host.train.gradient.number_formats import Array

BETA_1 = 0.9
BETA_2 = 0.999
EPSILON = 1e-8


class Adam:
    """Adam (Kingma and Ba, 2015, arXiv:1412.6980), in place, and a running average.

    Parameters
    ----------
    values : ndarray of float32
        Values that learn; changed in place.
    memory : float
        Steps over which the running average reaches back; at the beginning, a part of the steps so
        far.

    Attributes
    ----------
    average : ndarray of float32
        Running average of the values: a better network than the last step's.
    """

    def __init__(self, values: Array, memory: float) -> None:
        self.values = values
        self.memory = memory
        self.average = values.copy()
        self._steps = 0
        self._first, self._second = np.zeros((2, *values.shape), np.float32)

    def step(self, gradient: Array, rate: float) -> None:
        """Move against the gradient.

        Parameters
        ----------
        gradient : ndarray of float32
            Slope of the loss by each value; overwritten.
        rate : float
            Learning rate.
        """
        self._steps += 1
        self._first *= np.float32(BETA_1)
        self._first += np.float32(1 - BETA_1) * gradient
        np.multiply(gradient, gradient, out=gradient)
        gradient *= np.float32(1 - BETA_2)
        self._second *= np.float32(BETA_2)
        self._second += gradient
        np.sqrt(self._second, out=gradient)
        gradient *= np.float32(1 / np.sqrt(1 - BETA_2**self._steps))
        gradient += np.float32(EPSILON)
        np.divide(self._first, gradient, out=gradient)
        gradient *= np.float32(-rate / (1 - BETA_1**self._steps))
        self.values += gradient

    def follow(self) -> None:
        """Take the values into the running average."""
        share = np.float32(1 / min(self._steps + 1, self.memory))
        self.average += share * (self.values - self.average)
