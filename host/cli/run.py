"""``allspin run``: run a network on a machine and score it."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter

from allspin.host.chips.chip_options import ChipOptions
from allspin.host.chips.cutting import cut_network
from allspin.host.cli.answers import FAILED, answer_result
from allspin.host.cli.command import check_excludes, check_needs, need_pictures
from allspin.host.cli.shared import DataFile, ImageCount, Json, NetworkName, Steps, Style
from allspin.host.data.files import check_writable
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.opening import GOLDEN, VIRTUAL
from allspin.host.options import FLAT, TILES
from allspin.host.run.classified import Classified
from allspin.host.run.inference import RunOptions, classify, run as score_network
from allspin.host.run.latency import latency as measure_latency
from allspin.host.run.machine_options import MachineOptions
from allspin.host.run.score import Score
from allspin.host.show.say import warn
from allspin.sim.errors import UserError, refused
from allspin.sim.network.netfile import write_atomically
from allspin.sim.network.tiling import Tiles

EXAMPLES = """\
exit status 1 if a logit differs

examples:
  allspin run mnist-10
  allspin run mnist-10 --on virtual --check
  allspin run mnist-10 --tiles 128:4
  allspin run mnist-10 --on virtual --baud 3000000 --images 100
  allspin run mnist-100 --on auto --images 500 --json
  allspin run mine.safetensors --data fashion --logits out.npy
  allspin run mine.safetensors --data set.npz
  allspin run mnist-10 --image digit.png --image photo.jpg --on virtual
  allspin run mnist-10 --on virtual --resident --rows-per-clock 4
  allspin run mnist-10 --on virtual --latency --rows-per-clock 4
  allspin run paper-10 --chip 7 --program write-verify --calibrate
  allspin run paper-10 --chip 7 --on virtual --check
  allspin run stochastic.safetensors --samples 8 --on virtual --check
  allspin run mine.safetensors --device mine.toml --measured cells.csv \\
      --missing 0.01
"""


def run(
    network: NetworkName,
    /,
    *,
    machine: Annotated[MachineOptions, FLAT] = MachineOptions(),  # noqa: B008 (it is frozen)
    baud: int | None = None,
    tiles: Annotated[Tiles | None, TILES] = None,
    images: ImageCount = None,
    data: DataFile = None,
    image: Annotated[tuple[Path, ...], Parameter(metavar="FILE")] = (),
    framing: str | None = None,
    logits: Annotated[Path | None, Parameter(metavar="OUT.npy")] = None,
    scoring: Annotated[RunOptions, FLAT] = RunOptions(),  # noqa: B008 (it is frozen)
    picture: Annotated[Path | None, Parameter(metavar="OUT")] = None,
    style: Style = None,
    latency: bool = False,
    chip: Annotated[ChipOptions | None, FLAT] = None,
    json: Json = False,
    steps: Steps,
) -> int:
    """Run a network on a machine.

    Program the machine, stream test images through it, and score it; or classify images in files.
    The machine golden is the golden model; virtual is the complete gateware, link included,
    compiled to native code and kept; a serial port, such as /dev/ttyUSB1, or auto is a board.

    Parameters
    ----------
    network : str
        Network file, or the name of a shipped network.
    baud : int, optional
        Bits a second of a UART, 9600 to 12,000,000: the board's, or 3,000,000 where that is not
        known. On virtual, the bytes go through a UART only with it, bit by bit.
    image : tuple of Path
        Image to classify in place of test images: PNG, JPEG and others, of any size; may be given
        again.
    framing : str, optional
        With `image`, mnist: the digit is centred as MNIST's are; whole: the image as it is. mnist
        for 28 x 28 pixels, else whole, unless given.
    logits : Path, optional
        File for the logits.
    picture : Path, optional
        With `samples`, picture of the accuracy against the number of samples.
    latency : bool
        Count the cycles of single images, through the engine and over a UART, in place of
        scoring.
    """
    _check_machine(machine, baud, latency, scoring.resident)
    check_needs({"framing": framing}, {"image": image})
    check_needs({"picture": picture}, {"samples": scoring.samples})
    check_needs({"style": style}, {"picture": picture})
    repeated = {"resident": scoring.resident, "samples": scoring.samples}
    check_excludes({"image": image}, {"images": images, **repeated})
    check_excludes({"samples": scoring.samples}, {"resident": scoring.resident})
    need_pictures(picture)
    if latency:
        others = {"baud": baud, "chip": chip, "image": image, "logits": logits}
        check_excludes({"latency": True}, {**others, "check": scoring.check, **repeated})
        subject = cut_network(network, tiles, data, steps)
        measured = measure_latency(
            subject, machine.profile, images=images, data=data, progress=steps
        )
        answer_result(steps, replace(measured, network=network), json_wanted=json)
        return 0
    on = machine
    if baud is not None:
        with refused():
            on = replace(machine, uart=UartOptions(baud))
    look = PictureStyle.open(style or "screen")
    for written in filter(None, (logits, picture)):
        check_writable(written)
    if image and data is not None and tiles is None:
        raise UserError("`data` is for test images, and `image` takes their place")
    subject = cut_network(network, tiles, data, steps)
    made = None if chip is None else chip.make(subject, steps)
    result: Score | Classified
    if image:
        classified = classify(
            subject, image, on, framing=framing, chip=made, check=scoring.check, progress=steps
        )
        score = replace(classified.score, network=network)
        result = replace(classified, score=score)
    else:
        options = replace(scoring, logits=logits is not None)
        score = score_network(
            subject, on, options, chip=made, images=images, data=data, progress=steps
        )
        result = score = replace(score, network=network)
    if logits is not None:
        _write_logits(logits, score)
    if picture is not None:
        _save_picture(picture, score, look)
    answer_result(steps, result, json_wanted=json)
    if score.difference is None:
        return 0
    warn(score.difference)
    return FAILED


def _check_machine(
    machine: MachineOptions, baud: int | None, latency: bool, resident: bool
) -> None:
    """Raise a `UserError` if an option is for another machine."""
    if baud is not None and machine.on == GOLDEN:
        raise UserError(f"`baud` is for a serial port, or `on` {VIRTUAL}")
    if latency and machine.on != VIRTUAL:
        raise UserError(f"`latency` needs `on` {VIRTUAL}")
    check_needs({"sdram": machine.sdram}, {"resident": resident})


def _save_picture(path: Path, score: Score, style: PictureStyle) -> None:
    """Save the picture of a score in the formats of a style."""
    from allspin.host.draw.picture_files import save_picture  # Matplotlib

    save_picture(score.plot(), path.parent, path.stem, style)


def _write_logits(path: Path, score: Score) -> None:
    """Write the logits as a NumPy file."""
    content = io.BytesIO()
    np.save(content, score.logits, allow_pickle=False)
    write_atomically(path, content.getvalue())
