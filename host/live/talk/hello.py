"""What a page is told first: what there is to choose."""

from dataclasses import asdict
from typing import Any

from allspin.host.live.shown.choices import Choices
from allspin.host.live.shown.drawing import GRID
from allspin.host.live.talk.messages import MAX_CHIPS, MAX_POINTS, MAX_STROKES
from allspin.host.show.revision import version
from allspin.host.show.say import printable
from allspin.sim.programming.schemes import SCHEMES


def hello(choices: Choices) -> dict[str, Any]:
    """Everything that may be chosen, with what is chosen at first.

    Parameters
    ----------
    choices : Choices
        What a page shows.
    """
    usual = choices.usual()
    return {
        "kind": "hello",
        "version": version(),
        "networks": list(choices.networks),
        "machines": list(choices.machines),
        "schemes": [{"name": name, "about": about} for name, about in SCHEMES.items()],
        "device": printable(choices.device.name),
        "knobs": [asdict(knob) for knob in choices.knobs],
        "tests": len(choices.images),
        "setting": {**vars(usual), "knobs": dict(usual.knobs)},
        "grid": GRID,
        "most": {"strokes": MAX_STROKES, "points": MAX_POINTS, "chips": MAX_CHIPS},
    }
