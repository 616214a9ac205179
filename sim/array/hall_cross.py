"""Admittances of a Hall cross: four terminals around a centre.

Terminals go round the cross: `LEFT`, `TOP`, `RIGHT`, `BOTTOM`. With currents i into the terminals,
the resistance r from the centre to each of them, and the centre's potential V::

    v[k] = V + r[k] i[k] + R_H / 4 (i[k - 1] - i[k + 1])        i[0] + i[1] + i[2] + i[3] = 0

A current I from left to right gives ``v[TOP] - v[BOTTOM] = R_H I``, and one from top to bottom
gives ``v[RIGHT] - v[LEFT] = R_H I``: exchanging current and voltage changes the sign of the Hall
resistance, as the reciprocity of a magnetised conductor demands (H. B. G. Casimir, Rev. Mod. Phys.
17, 343, 1945).
"""

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]

LEFT, TOP, RIGHT, BOTTOM = range(4)
HALL = np.array([[0, -1, 0, 1], [1, 0, -1, 0], [0, 1, 0, -1], [-1, 0, 1, 0]]) / 4
"""Matrix that maps currents to voltages for a Hall resistance of 1 ohm."""


def admittances(hall: npt.ArrayLike, row_arm: float, column_arm: float) -> Reals:
    """Return the admittance matrix of each cell: terminal currents from terminal voltages.

    Parameters
    ----------
    hall : array_like of float, any shape
        Hall resistance of each cell, in ohm.
    row_arm, column_arm : float
        Resistance from the centre to left and right, and to top and bottom, in ohm.

    Returns
    -------
    ndarray of float64, shape (..., 4, 4)
        Admittances in siemens; rows and columns sum to 0.
    """
    arms = np.diag([row_arm, column_arm, row_arm, column_arm])
    inverse = np.linalg.inv(arms + np.asarray(hall, np.float64)[..., None, None] * HALL)
    # The centre's potential follows from the currents, whose sum is 0.
    out = inverse.sum(axis=-1)
    into = inverse.sum(axis=-2)
    return inverse - out[..., :, None] * into[..., None, :] / out.sum(axis=-1)[..., None, None]
