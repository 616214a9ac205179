"""NeuroSim's nonlinearity NL of a curve, and the A that it stands for.

NeuroSim labels a curve by one number, positive or negative, and tables the parameter a that it
stands for (file ``Nonlinearity-NormA.htm`` of MLP+NeuroSim V3.0, NL from 0.01 to 9). Pulse number x
and conductance y go from 0 to 1, and with k = 1 / a the curve is::

    y(x) = (1 - exp(-k x)) / (1 - exp(-k))

**What NL is.** The label is the largest distance of the curve from the straight line y = x,
measured at a right angle to it, in units of 0.07. The slope of y is 1 where ``exp(-k x)`` is
``s / k``, ``s = 1 - exp(-k)``; there y is ``1 / s - 1 / k``, so::

    NL = (1 / s - 1 / k - ln(k / s) / k) / (0.07 sqrt(2))

for a positive a, and -NL for -a: that curve is the same, turned by half a turn. All 900 entries of
the table are the inverse of this, to their last digit. A small k gives ``NL = k / (0.56 sqrt(2))``,
and no curve has as much as ``1 / (0.07 sqrt(2)) = 10.1``.

**Potentiation** starts at x = 0 and goes up the curve, as ours does: ``A = P_max a(NL)``.

**Depression** goes down a curve of this same form, from x = 1. After n of P pulses it is at
``x = 1 - n / P``, and has come down from 1 by::

    1 - y(1 - n / P) = (exp(k n / P) - 1) / (exp(k) - 1) = (1 - exp(-n / A)) / (1 - exp(-P / A))

with ``A = -P / k``. So ``A = -P_max a(NL)``: a negative NL of depression, NeuroSim's usual one,
is a positive A of ours, whose steps are largest where depression starts.
"""

import math

from allspin.sim.errors import check_number
from allspin.sim.plain_values import TomlTable
from allspin.sim.synapse.response import Polarity

KEY = "NL"
"""What device files call it."""
LARGEST = 9.0
"""End of NeuroSim's table."""
UNIT = 0.07 * math.sqrt(2)
"""Height above the straight line, where the slope is 1, of a nonlinearity of 1."""
STEEPEST = 700.0
"""k of which exponentials do not overflow; its curve has more than the largest nonlinearity."""
ALIKE = 1e-13
"""Share by which k is known."""
NEARLY_STRAIGHT = 1e-3
"""Below it the nonlinearity is in proportion to k, to a part in a million."""


def _height(k: float) -> float:
    """Height of a curve above the straight line, where its slope is 1."""
    s = -math.expm1(-k)
    return 1 / s - 1 / k - math.log(k / s) / k


def normalised_a(nonlinearity: float, called: str = KEY) -> float:
    """NeuroSim's parameter a of a nonlinearity: A of a potentiation of one pulse.

    Parameters
    ----------
    nonlinearity : float
        NL, -9 to 9.
    called : str
        What a message calls it.

    Returns
    -------
    float
        In the whole way's pulses, with the sign of `nonlinearity`; infinite of 0.

    Raises
    ------
    ValueError
        If `nonlinearity` is no number or beyond NeuroSim's table.

    Examples
    --------
    >>> round(normalised_a(2.4), 4), round(normalised_a(-4.88), 4)
    (0.4992, -0.2003)
    """
    label = check_number(called, nonlinearity, -LARGEST, LARGEST)
    low, high = 8 * UNIT * min(abs(label), NEARLY_STRAIGHT), STEEPEST
    while abs(label) > NEARLY_STRAIGHT and high - low > ALIKE * low:
        middle = (low + high) / 2
        low, high = (middle, high) if _height(middle) < UNIT * abs(label) else (low, middle)
    return math.copysign(1 / low if low else math.inf, label)


def take_nonlinearity(table: TomlTable, polarity: Polarity) -> None:
    """Put A in the place of NL in the table of a polarity's response, if it has one.

    Parameters
    ----------
    table : TomlTable
        ``[synapse.potentiation]`` or ``[synapse.depression]``.
    polarity : Polarity
        Which of them.

    Raises
    ------
    ValueError
        If it has A too, or NL is wrong.
    """
    if KEY not in table.content:
        return
    if "A" in table.content:
        raise ValueError(f"[{table.name}] has A and {KEY}, which say the same; leave one out")
    a = normalised_a(table.take(KEY), f"{KEY} of [{table.name}]")
    # A P_max that is missing or none is told by who reads the rest.
    pulses = table.content.get("P_max")
    whole = pulses if isinstance(pulses, int | float) else 1
    table.content["A"] = -a * whole if polarity else a * whole
