"""Conversion of NeuroSim's nonlinearity NL to A.

NeuroSim labels a curve by one signed number, and tabulates the parameter a of each label (file
``Nonlinearity-NormA.htm`` of MLP+NeuroSim V3.0, NL from 0.01 to 9). Pulse number x and conductance
y go from 0 to 1, and with k = 1 / a the curve is::

    y(x) = (1 - exp(-k x)) / (1 - exp(-k))

**Definition of NL.** The label is the largest perpendicular distance of the curve from the line
y = x, in units of 0.07. With ``s = 1 - exp(-k)``, the slope of y is 1 at ``exp(-k x) = s / k``,
and y is ``1 / s - 1 / k`` there, so::

    NL = (1 / s - 1 / k - ln(k / s) / k) / (0.07 sqrt(2))

for a positive a, and -NL for -a, whose curve is rotated by 180 degrees. All 900 entries of the
table are the inverse of this, to their last digit. A small k gives ``NL = k / (0.56 sqrt(2))``, and
every curve is below ``1 / (0.07 sqrt(2)) = 10.1``.

**Potentiation** starts at x = 0 and follows the curve upwards, as here: ``A = P_max a(NL)``.

**Depression** follows a curve of the same form downwards from x = 1. After n of P pulses it is at
``x = 1 - n / P``, and has fallen from 1 by::

    1 - y(1 - n / P) = (exp(k n / P) - 1) / (exp(k) - 1) = (1 - exp(-n / A)) / (1 - exp(-P / A))

with ``A = -P / k``. So ``A = -P_max a(NL)``: a negative NL of depression, NeuroSim's usual one,
is a positive A here, with the largest steps at the start of depression.
"""

import math

from allspin.sim.errors import check_number
from allspin.sim.plain_values import TomlTable
from allspin.sim.synapse.response import Polarity

KEY = "NL"
"""Key in device files."""
LARGEST = 9.0
"""End of NeuroSim's table."""
UNIT = 0.07 * math.sqrt(2)
"""Height above the line, at slope 1, for a nonlinearity of 1."""
STEEPEST = 700.0
"""Largest k without overflow; its curve exceeds the largest nonlinearity."""
ALIKE = 1e-13
"""Relative accuracy of k."""
NEARLY_STRAIGHT = 1e-3
"""Nonlinearity below which it is proportional to k, to one part in a million."""


def _height(k: float) -> float:
    """Return the height of a curve above the line, at slope 1."""
    s = -math.expm1(-k)
    return 1 / s - 1 / k - math.log(k / s) / k


def normalised_a(nonlinearity: float, called: str = KEY) -> float:
    """Return NeuroSim's parameter a of a nonlinearity: A divided by P_max for potentiation.

    Parameters
    ----------
    nonlinearity : float
        NL, -9 to 9.
    called : str
        Name in messages.

    Returns
    -------
    float
        Parameter a, with the sign of `nonlinearity`; infinite for 0.

    Raises
    ------
    ValueError
        If `nonlinearity` is not a number or outside NeuroSim's table.

    Examples
    --------
    >>> round(normalised_a(2.4), 4), round(normalised_a(-4.88), 4)
    (0.4992, -0.2003)
    """
    label = check_number(called, nonlinearity, -LARGEST, LARGEST)
    low = 8 * UNIT * min(abs(label), NEARLY_STRAIGHT)
    high = STEEPEST
    while abs(label) > NEARLY_STRAIGHT and high - low > ALIKE * low:
        middle = (low + high) / 2
        if _height(middle) < UNIT * abs(label):
            low = middle
        else:
            high = middle
    return math.copysign(1 / low if low else math.inf, label)


def take_nonlinearity(table: TomlTable, polarity: Polarity) -> None:
    """Replace NL by A in the table of a polarity's response.

    Parameters
    ----------
    table : TomlTable
        ``[synapse.potentiation]`` or ``[synapse.depression]``.
    polarity : Polarity
        Polarity of the table.

    Raises
    ------
    ValueError
        If the table has both A and NL, or NL is not legal.
    """
    if KEY not in table.content:
        return
    if "A" in table.content:
        raise ValueError(f"[{table.name}] has A and {KEY}, which say the same; leave one out")
    a = normalised_a(table.take(KEY), f"{KEY} of [{table.name}]")
    # The reader of the remaining keys reports a P_max that is missing or not a number.
    pulses = table.content.get("P_max")
    whole = pulses if isinstance(pulses, int | float) else 1
    table.content["A"] = -a * whole if polarity else a * whole
