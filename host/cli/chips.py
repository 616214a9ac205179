"""``allspin chips``: accuracy of networks over many chips of a device."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.host.chips.columns import CAUSES
from allspin.host.chips.measured import MeasureOptions, measure_chips
from allspin.host.chips.program_settings import CHIPS_KEYS, read_settings
from allspin.host.cli.answers import answer_result
from allspin.host.cli.shared import (
    DataFile,
    DeviceName,
    ImageCount,
    Json,
    NetworkNames,
    Steps,
)
from allspin.host.options import FLAT
from allspin.sim.errors import UserError, refused

EXAMPLES = """\
examples:
  allspin chips paper-10 paper-100
  allspin chips paper-10 --causes
  allspin chips paper-10 --tiles 128:5
  allspin chips mine.safetensors --device mine.toml --chips 100 --json
  allspin chips mine.safetensors --device mine.toml --measured a.csv b.csv c.csv
"""


def run(
    networks: NetworkNames,
    /,
    *,
    device: DeviceName = "paper",
    program: Annotated[Path | None, Parameter(metavar="FILE.toml")] = None,
    causes: bool = False,
    chips: Annotated[MeasureOptions, FLAT] = MeasureOptions(),  # noqa: B008 (it is frozen)
    images: ImageCount = None,
    data: DataFile = None,
    json: Json = False,
    steps: Steps,
) -> int:
    """Program many chips with networks, and measure their accuracy.

    The table has mean and standard deviation over the chips, the standard error of the mean, the
    5 % quantile and the worst chip, by the variations of the chips and by the scheme that programs
    them. Means that are not known to 0.5 points are named, with the number of chips that would do.
    Measured cells add two rows: with the mean neuron, and with the neurons of as many chips,
    calibrated.

    Parameters
    ----------
    networks : list of str
        Network files, or names of shipped networks.
    device : str
        Device file, or the name of a shipped device.
    program : Path, optional
        Settings of programming, for all schemes that are measured: a TOML file with polarity,
        tries and band.
    causes : bool
        Measure each variation alone, and all of them in open loop.
    """
    if causes:
        chips = replace(chips, columns=CAUSES)
    if program is not None:
        if program.suffix != ".toml":
            raise UserError(
                f"`program` takes a file that ends with .toml, of {', '.join(CHIPS_KEYS)}, not "
                f"{program}: the schemes are measured one after another"
            )
        settings = read_settings(program, CHIPS_KEYS)
        chips = replace(chips, **settings)
        with refused(f"{program} is no programming file: ", kinds=(ValueError, TypeError)):
            chips.check_programming()
    measured = measure_chips(
        networks,
        device,
        chips,
        images=images,
        data=data,
        progress=steps,
    )
    answer_result(steps, measured, json_wanted=json)
    return 0
