"""``allspin report``: one HTML page about a network, its accuracy and its cost."""

from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.host.cli.command import check_excludes, check_needs, need_pictures
from allspin.host.cli.shared import (
    DataFile,
    DeviceName,
    ImageCount,
    Json,
    NetworkNames,
    Steps,
    Style,
)
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.options import TILES
from allspin.host.report.page import figures as draw_figures, report
from allspin.host.report.subject import ReportSubject
from allspin.host.show.say import say
from allspin.sim.errors import UserError, refused
from allspin.sim.network.tiling import Tiles

EXAMPLES = """\
examples:
  allspin report mnist-10
  allspin report paper-100 -o paper-100.html --chips 50
  allspin report mine.safetensors --data fashion --device mine.toml --quick
  allspin report paper-10 paper-100 --device mine.toml --pictures figures
"""


def run(
    networks: NetworkNames,
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o", metavar="FILE.html")] = None,
    device: DeviceName = "paper",
    chips: int | None = None,
    images: ImageCount = None,
    tiles: Annotated[Tiles | None, TILES] = None,
    data: DataFile = None,
    quick: bool = False,
    pictures: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    style: Style = None,
    json: Json = False,
    steps: Steps,
) -> int:
    """Write one HTML page about a network.

    The page has its training and device, its accuracy over chips, maps of R_AH, curves, confusion,
    wrong answers, the engine at work, boards, and CMOS to compare with; beside each figure stands
    the command that gives it again. The page needs no other file, on a screen or in print.

    Parameters
    ----------
    networks : list of str
        Network files, or names of shipped networks.
    output : Path, optional
        Page to write: report.html unless given.
    device : str
        Device of the chips: a device file, or the name of a shipped device.
    chips : int, optional
        Number of chips, 1 to 1000: 20 unless given, quick 5.
    quick : bool
        Take fewer chips, and 2,000 images.
    pictures : Path, optional
        Folder for the page's pictures in place of the page, for a journal (style paper unless
        given); of one network or several.
    """
    check_needs({"style": style}, {"pictures": pictures})
    check_excludes({"pictures": pictures}, {"output": output})
    need_pictures(True)
    with steps.waiting("reading network, device and images"), refused():
        subjects = [
            ReportSubject.open(
                network,
                device,
                chips=chips,
                images=images,
                data=data,
                tiles=tiles,
                quick=quick,
                progress=steps,
            )
            for network in networks
        ]
    if pictures is not None:
        look = PictureStyle.open(style or "paper")
        paths = list(map(str, draw_figures(subjects, pictures, look, progress=steps)))
        say(dumps({"figures": paths}) if json else "\n".join(paths))
        return 0
    if len(subjects) > 1:
        raise UserError("a page is about one network; give `pictures` for pictures of several")
    made = report(subjects[0], output or "report.html", progress=steps)
    say(dumps(made.to_dict()) if json else str(made.path))
    return 0
