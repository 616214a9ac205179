"""A Hall cross: four terminals around a centre, told by currents or by voltages.

Terminals go round the cross: `LEFT`, `TOP`, `RIGHT`, `BOTTOM`. With currents i into the terminals,
r the resistance from the centre to each of them, and V the centre's potential::

    v[k] = V + r[k] i[k] + R_H / 4 (i[k - 1] - i[k + 1])        i[0] + i[1] + i[2] + i[3] = 0

So a current I from left to right makes ``v[TOP] - v[BOTTOM] = R_H I``, and one from top to bottom
makes ``v[RIGHT] - v[LEFT] = R_H I``: the Hall resistance changes its sign where current and
voltage change places, as the reciprocity of a magnetised conductor demands (H. B. G. Casimir,
Rev. Mod. Phys. 17, 343, 1945).
"""

import numpy as np
import numpy.typing as npt

LEFT, TOP, RIGHT, BOTTOM = range(4)
HALL = np.array([[0, -1, 0, 1], [1, 0, -1, 0], [0, 1, 0, -1], [-1, 0, 1, 0]]) / 4
"""What R_H times the currents adds to the voltages."""

Reals = npt.NDArray[np.float64]


def admittances(hall: npt.ArrayLike, row_arm: float, column_arm: float) -> Reals:
    """Currents into each cell's terminals, by the voltages of its terminals.

    Parameters
    ----------
    hall : array_like of float, any shape
        Hall resistance of each cell, in ohm.
    row_arm, column_arm : float
        From the centre to left and right, and to top and bottom, in ohm.

    Returns
    -------
    ndarray of float64, shape (..., 4, 4)
        In siemens; rows and columns add up to 0.
    """
    arms = np.diag([row_arm, column_arm, row_arm, column_arm])
    inverse = np.linalg.inv(arms + np.asarray(hall, np.float64)[..., None, None] * HALL)
    # The centre's potential follows from the currents, which add up to 0.
    out, into = inverse.sum(axis=-1), inverse.sum(axis=-2)
    total = out.sum(axis=-1)[..., None, None]
    return inverse - out[..., :, None] * into[..., None, :] / total
