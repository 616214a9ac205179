"""The polarity of pulses: by a column, by the sign of their current, or by what R_AH does.

A run of pulses of no known polarity is cut where R_AH turns; rising R_AH is potentiation. R_AH that
does the opposite of what its polarities say, in both of a device, has the other sign.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from allspin.host.lab.columns import FileColumns, filled
from allspin.host.lab.curves import DEAD, Curve, by_device, trend, usual_swing
from allspin.host.lab.quantities import few
from allspin.host.lab.roles import WAYS
from allspin.host.lab.tables import CsvFile
from allspin.host.lab.turns import check_length, cut, find_turns, given_turn, scatter_of
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

Way = Polarity | int | None
"""A run's polarity, or else the sign of its pulses' current, if either is known."""


Run = tuple[Curve, Way]
"""Points of one cycle, in the order in which they came, of no polarity yet; R_AH is NaN where it
is missing. And what the file says of the polarity."""


def ways_of(file: CsvFile, columns: FileColumns, chosen: list[int]) -> Sequence[Way]:
    """What is known of each row's polarity: by its column, or by currents of both signs."""
    place, current = columns.place("polarity"), columns.place("current")
    signs: Sequence[Way] = ()
    if columns.kind == "pulse" and place is not None:
        cells = [cell.lower() for cell in file.cells(place, chosen)]
        words = dict(zip(dict.fromkeys(cells), (1, -1), strict=False))
        odd = [row for row, cell in zip(chosen, cells, strict=True) if cell not in WAYS]
        if odd and len(set(cells)) != len(Polarity):
            line, row = file.rows[odd[0]]
            raise file.fail(line, f"polarity is {row[place]!r}; give potentiation or depression")
        # Of two words that are not known R_AH tells which is which.
        return [(words if odd else WAYS)[cell] for cell in cells]
    if columns.kind == "pulse" and current is not None:
        currents = file.values(current, chosen)[filled(file.cells(current, chosen))]
        signs = np.sign(np.nan_to_num(currents)).astype(int).tolist()
    return signs if {1, -1} <= set(signs) else [None] * len(chosen)


def pulse_curves(
    file: CsvFile, runs: Sequence[Run], turn: float | None
) -> tuple[list[Curve], list[str]]:
    """Curves of one polarity each, and what was guessed.

    Parameters
    ----------
    file : CsvFile
        The table.
    runs : sequence of Run
        Its runs of pulses.
    turn : float or None
        Pulse at which runs turn that name no polarity; None looks for it.

    Raises
    ------
    UserError
        If a polarity makes no sense.
    """
    notes: dict[str, None] = {}
    if any(way is not None for _, way in runs):
        curves = _told(file, runs, notes)
    else:
        curves, every = [], [run for run, _ in runs]
        given = [] if turn is None else [given_turn(file, run, turn) for run in every]
        for run, place in zip(every, given or find_turns(every), strict=True):
            for part in cut(file, run, place):
                check_length(file, part)
                curves.append(replace(part, polarity=Polarity(trend(part.resistance) <= 0)))
            if turn is None and place is not None:
                notes[
                    f"{file.path} names no polarity: curves are cut where R_AH turns (--turn for "
                    f"elsewhere), at pulse {run.x[place]:g}"
                ] = None
    return curves, list(notes)


def _told(file: CsvFile, runs: Sequence[Run], notes: dict[str, None]) -> list[Curve]:
    """Curves of the polarities of a column, or by the sign of the current.

    The sign with which R_AH rises is potentiation. A device whose R_AH does the opposite of what
    both of its polarities say is turned, with a note.
    """
    curves = [run.measured() for run, _ in runs]
    ways = np.array([int(way or 0) for _, way in runs])
    if not isinstance(runs[0][1], Polarity):
        rises = np.array([trend(curve.resistance) for curve in curves])
        up, down = (float(np.median(rises[ways == sign])) for sign in (1, -1))
        if up * down >= 0:
            raise UserError(
                f"{file.path}: R_AH {'rises' if up > 0 else 'falls'} with pulse currents of either "
                "sign; name the polarity in a column"
            )
        ways = ((ways == 1) != (up > 0)).astype(int)
    told = [replace(one, polarity=Polarity(way)) for one, way in zip(curves, ways, strict=True)]
    least = max(DEAD * usual_swing(told), 3 * scatter_of([one.resistance for one in told]))
    turned = []
    for device, places in by_device(told).items():
        swings = [told[place].swing for place in places]
        both = len({told[place].polarity for place in places}) == len(Polarity)
        turned += [device] * (both and -sum(swings) > max(sum(map(abs, swings)) / 2, least))
    if turned:
        notes[
            f"{file.path}: R_AH falls with potentiation and rises with depression in "
            f"{few(turned)}: its sign is taken as reversed, and turned"
        ] = None
    told = [
        replace(one, resistance=-one.resistance) if one.device in turned else one for one in told
    ]
    for curve in told:
        falls = bool(curve.polarity)
        # Of a film that does not switch anything may be so.
        if abs(trend(curve.resistance)) > 0.3 and curve.swing < -least:  # they count backwards
            raise file.fail(
                curve.line,
                f"R_AH {'rises' if falls else 'falls'} with pulses of "
                f"{Polarity(falls).name.lower()}; number pulses in the order in which they were "
                "given",
            )
    return told
