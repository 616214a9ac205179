"""Image files, classified by a network on a machine."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allspin.host.chips.options import ChipOptions, MadeChip, ProbedChipOptions
from allspin.host.chips.tiles import cut_network
from allspin.host.data.catalogue import network_name
from allspin.host.data.images import Framed, load_image
from allspin.host.link.payloads import Answers
from allspin.host.machines.machine import Machine
from allspin.host.machines.opening import GOLDEN
from allspin.host.run.comparison import (
    LogitsCompared,
    compare_logits,
    opened,
    program,
    show_streamed,
)
from allspin.host.run.machine_options import MachineOptions
from allspin.host.show.say import Display, Silent, commit
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles


@dataclass(frozen=True, eq=False)
class Classified:
    """What a machine answered to image files.

    Attributes
    ----------
    network, on : str
        What the network and the machine are called.
    chip : MadeChip or None
        What the machine was made into; None for the ideal chip.
    files : tuple of str
        The files.
    framed : tuple of Framed
        The images that the machine was shown.
    answers : Answers
        Their logits and classes.
    logits : LogitsCompared or None
        The comparison with the golden model, where it was asked for.
    commit : str or None
        Which allspin it was.
    """

    network: str
    on: str
    chip: MadeChip | None
    files: tuple[str, ...]
    framed: tuple[Framed, ...]
    answers: Answers
    logits: LogitsCompared | None
    commit: str | None

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints; see ``docs/formats.md``."""
        return {
            "network": self.network,
            "on": self.on,
            "chip": None if self.chip is None else self.chip.seed,
            "programming": None if self.chip is None else self.chip.to_dict(),
            "images": [
                {
                    "file": file,
                    "class": int(number),
                    "logits": logits.tolist(),
                    "framing": framed.framing,
                    "inverted": framed.inverted,
                }
                for file, framed, number, logits in zip(
                    self.files,
                    self.framed,
                    self.answers.classes,
                    self.answers.logits,
                    strict=True,
                )
            ],
            "logits_compared": None if self.logits is None else self.logits.compared,
            "mismatches": None if self.logits is None else self.logits.mismatches,
            "commit": self.commit,
        }


def classify(
    network: str | Path | Network,
    files: Sequence[str | Path],
    on: str | MachineOptions | Machine = GOLDEN,
    *,
    framing: str | None = None,
    chip: int | ChipOptions | ProbedChipOptions | None = None,
    check: bool = False,
    tiles: Tiles | None = None,
    data: str | Path | None = None,
    display: Display | None = None,
) -> Classified:
    """Classify image files by a network on a machine.

    Parameters
    ----------
    network, on, chip, tiles, display
        As of `allspin.host.run.run.run`.
    files : sequence of str or Path
        Image files, at least one.
    framing : str, optional
        As of `allspin.host.data.images.load_image`.
    check : bool
        Whether every logit is compared with the golden model.
    data : str or Path, optional
        Data set whose training images choose the steps of `tiles` (the MNIST that ships).

    Raises
    ------
    UserError
        If there is no such network, image or machine, they do not fit one another, or the machine
        fails.
    """
    display = display or Silent()
    on = MachineOptions(on) if isinstance(on, str) else on
    chip = ChipOptions(chip) if isinstance(chip, int) else chip
    if chip is not None and isinstance(on, MachineOptions):
        on.check_chips()
    base = cut_network(network, tiles, data, display)
    framed = tuple(load_image(file, base.image_shape, framing) for file in files)
    images = np.stack([each.image for each in framed])
    made = None if chip is None else chip.make(base)
    loaded = base if made is None else made.network
    nobody = np.zeros(len(images), np.int64)  # an image file has no label
    with opened(on, loaded, made, False, display) as machine:
        title = on.title(machine) if isinstance(on, MachineOptions) else machine.name
        program(machine, loaded, made, display)
        shown = show_streamed(machine, images, nobody, display)
    compared = None
    if check:
        golden = GoldenModel(loaded, noise=None if made is None else made.noise)
        compared = compare_logits(shown, golden, images, nobody)
    assert shown.answers is not None
    return Classified(
        network=network_name(network),
        on=title,
        chip=made,
        files=tuple(os.fspath(file) for file in files),
        framed=framed,
        answers=shown.answers,
        logits=compared,
        commit=commit(),
    )
