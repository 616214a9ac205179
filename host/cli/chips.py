"""``allspin chips``: accuracy of networks over many chips of a device."""

from dataclasses import replace
from typing import Annotated

from allspin.host.chips.accuracy import CAUSES
from allspin.host.chips.measured import MeasureOptions, chips_table, measure_chips
from allspin.host.cli.answers import answer
from allspin.host.cli.shared import (
    DataFile,
    DeviceName,
    ImageCount,
    Json,
    NetworkName,
    Steps,
)
from allspin.host.options import FLAT

EXAMPLES = """\
examples:
  allspin chips paper-10 paper-100
  allspin chips paper-10 --causes
  allspin chips paper-10 --tiles 128:5
  allspin chips mine.safetensors --device mine.toml --chips 100 --json
  allspin chips mine.safetensors --device mine.toml --measured a.csv b.csv c.csv
"""


def run(
    networks: list[NetworkName],
    /,
    *,
    device: DeviceName = "paper",
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
    causes : bool
        Measure each variation alone, and all of them in open loop.
    """
    measured = measure_chips(
        networks,
        device,
        replace(chips, columns=CAUSES) if causes else chips,
        images=images,
        data=data,
        progress=steps,
    )
    answer(steps, measured.to_dict(), chips_table(measured), measured.remarks(), json_wanted=json)
    return 0
