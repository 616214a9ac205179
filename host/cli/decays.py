"""The part of ``allspin fit`` that is about decays: R_AH against time."""

import argparse
import json
from pathlib import Path

from allspin.host.cli.options import naming_options, read_options
from allspin.host.draw.style import save_picture
from allspin.host.fit.columns import ReadOptions, is_decay
from allspin.host.fit.decay import (
    DecayOptions,
    decay_lines,
    decay_picture,
    decay_table,
    fit_decay,
)
from allspin.host.fit.quantities import quantity
from allspin.host.fit.tables import read_csv
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.show.table import print_tables
from allspin.sim.device.device_file import save_device
from allspin.sim.errors import UserError

NOT_DESCRIBED = 1
"""Exit status where a model does not describe the data."""
NOT_FOR_DECAYS = (
    "states",
    "table",
    "occasion",
    "reading",
    "meter",
    "currents",
    "point",
)
"""Options that say nothing of decays."""


def _check_decay(arguments: argparse.Namespace) -> None:
    """Refuse what a fit of decays has no use for."""
    if arguments.base is None:
        raise UserError(
            f"{arguments.files[0]} is a decay, whose retention is added to a device; name that "
            "with --base DEVICE"
        )
    for name in NOT_FOR_DECAYS:
        if getattr(arguments, name) not in (None, False):
            raise UserError(f"`{name}` is for pulse curves and neurons, not for decays")


def fit_decays(arguments: argparse.Namespace, reading: ReadOptions) -> int:
    """Fit the decays of ``allspin fit``, judge, write: they add retention to a device.

    Parameters
    ----------
    arguments : Namespace
        The command's.
    reading : ReadOptions
        How its files are read.
    """
    output: Path = arguments.output
    _check_decay(arguments)
    attempt: str | None = arguments.attempt_time
    with naming_options():
        seconds = None if attempt is None else quantity(attempt, "s", "--attempt-time")
    options = read_options(arguments, DecayOptions, attempt_time=seconds)
    with Steps() as steps:
        steps.start("fitting decays")
        fitted = fit_decay(arguments.files, arguments.base, options, reading, arguments.at, warn)
        steps.finish()
    device = fitted.device() if not fitted.complaints or arguments.force else None
    pictures = save_picture(decay_picture(fitted), output.parent, output.stem)
    for complaint in fitted.complaints:
        warn(f"the model does not describe {complaint}")
    outliers = fitted.outliers()
    if outliers:
        warn(
            f"{len(outliers)} points are set aside as outliers, the first: {outliers[0]} "
            "(--keep-outliers keeps them)"
        )
    if device is not None:
        save_device(device, output)
    if arguments.json:
        say(json.dumps(fitted.to_dict(None if device is None else output, pictures)))
    elif device is not None:
        print_tables([decay_table(fitted)])
        for line in decay_lines(fitted):
            say(line)
        say(f"{output} and its picture are written.")
    if device is None:
        warn(f"{output} is not written; see {pictures[0]}, and give --force to write it anyway")
        return NOT_DESCRIBED
    return 0


def are_decays(arguments: argparse.Namespace) -> bool:
    """Whether the files are decays.

    Raises
    ------
    UserError
        If some are and others are not, or there are options for decays and none of them.
    """
    found = [is_decay(read_csv(path)) for path in arguments.files]
    if any(found) and not all(found):
        path = arguments.files[found.index(True)]
        raise UserError(
            f"{path} is a decay and other files are none; fit the device first, then its decays "
            "with --base"
        )
    if not any(found) and (arguments.attempt_time is not None or arguments.equilibrium):
        raise UserError("--attempt-time and --equilibrium are for decays")
    return all(found)
