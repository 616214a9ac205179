"""The live page without a server: the gateware as WebAssembly, a network, and some test images.

The files are the live page's own; ``page/alone/`` is the server's part in JavaScript.
"""

import argparse
import gzip
import json
import re
import shutil
import tempfile
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import WASM, build
from allspin.hdl.cache.process import Progress, no_progress
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.files import make_folder
from allspin.host.live.choices import Choices
from allspin.host.live.messages import encode
from allspin.host.live.page_chip import PageChip
from allspin.host.machines.programmer import (
    CHIPS,
    POLARITY_SHIFT,
    STUCK_FLAGS,
    TOP_SHIFT,
    why_no_words,
    write_table_lines,
)
from allspin.host.show.version import version
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import normal_table
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.chip.words import USE_BITS, share_units
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.errors import UserError, refused
from allspin.sim.network.golden import activate
from allspin.sim.network.layer import GAIN_BITS, Layer
from allspin.sim.network.levels import full_scale
from allspin.sim.network.network import Network
from allspin.sim.programming.plans import plan_layers
from allspin.sim.programming.schemes import SCHEMES

PAGE = Path(__file__).with_name("page")
MADE = Path("alone/machine.bin")
"""File that a written page has, and the served one lacks."""
GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
"""Glossary of a checkout; without it the page explains no terms."""
TERM = re.compile(r"^- \*\*(?P<term>.+?)\*\*: (?P<meaning>.+)$", re.MULTILINE)
NETWORK = "mnist-10"
TESTS = 100
"""Test images of the page."""
SERVED = ("learning.*", "connection.js", "main.js", "tsconfig.json", "*.d.ts")
"""Files of the page that need the server, or check types."""
START = '<script type="module" src="app/main.js"></script>'
ALONE = """\
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'; \
style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'">
<link rel="stylesheet" href="alone/alone.css">
<script src="alone/file.js" defer></script>
<script type="module" src="alone/start.js"></script>"""


def why_not_alone(made: PageChip) -> str | None:
    """Return the reason why a page without a server cannot be a chip; None if it can.

    Parameters
    ----------
    made : PageChip
        The chip.
    """
    network = made.base
    device = made.device
    if any(layer.kind.positions > 1 or layer.adc is not None for layer in network.layers):
        return "it has no convolutions and no tiles"
    if network.neuron.noise or any(layer.beyond_words is not None for layer in network.layers):
        return "its model has no neurons that switch by chance, and no weights beyond words"
    if device.imperfections != Imperfections():
        return "its model has no imperfections of the device"
    return why_no_words(made.programming, device)


def page_data(choices: Choices, tests: int = TESTS) -> bytes:
    """Return the data of the page besides the gateware, for ``page/alone/data.js``.

    Parameters
    ----------
    choices : Choices
        Its first network is shown, programmed as `Choices.usual` says.
    tests : int
        Number of the page's test images, the first ones.

    Returns
    -------
    bytes
        As of `allspin.host.live.messages.encode`.

    Raises
    ------
    UserError
        If the page cannot be such a chip.
    """
    made = PageChip.of(choices, choices.usual())
    reason = why_not_alone(made)
    if reason is not None:
        raise UserError(f"the page without a server cannot show this: {reason}")
    network = made.base
    told = made.to_dict()
    plans = plan_layers(made.device.synapse, network, made.programming)
    normals = np.concatenate(normal_table()).astype("<u2")
    parts: dict[str, npt.NDArray[Any]] = {"normals": normals}
    layers = zip(network.layers, plans, told["layers"], strict=True)
    for number, (layer, plan, record) in enumerate(layers):
        if plan.table.beyond is not None or len(plan.table.levels) > CHIPS.states:
            raise UserError("the Programmer has no room for what the network's states are worth")
        record["levels"] = layer.levels.tolist()
        record |= _converters(network, layer)
        polarity = plan.polarity[layer.states].astype(np.uint8)
        states = layer.states.astype(np.uint8)
        parts[f"states_{number}"] = polarity << POLARITY_SHIFT | states
        parts[f"writes_{number}"] = write_table_lines(plan.table, CHIPS.state_bits)
    parts["images"] = choices.images[:tests]
    parts["labels"] = choices.labels[:tests].astype(np.uint8)
    scheme = made.setting.scheme
    counts = told.pop("counts")
    told |= {
        "device": made.device.name,
        "scheme": {"name": scheme, "about": SCHEMES[scheme]},
        "version": version(),
        "pulsesPerCell": counts["pulsesPerCell"],
        "energy": counts["energy"],
        "chip": _chip_registers(made),
        "parts": [[name, part.nbytes] for name, part in parts.items()],
    }
    content = encode(told, b"".join(part.tobytes() for part in parts.values()))
    assert isinstance(content, bytes)
    return content


def _converters(network: Network, layer: Layer) -> dict[str, Any]:
    """Return a layer's V-I converters, and the activation for each current; the last has none."""
    converter = layer.converter
    if converter is None:
        return {"gains": [], "offsets": [], "shift": 0, "activations": None}
    currents = np.arange(2**network.current_bits)
    return {
        "gains": converter.gains.tolist(),
        "offsets": converter.offsets.tolist(),
        "shift": converter.shift,
        "activations": activate(network, layer, currents).tolist(),
    }


def _chip_registers(made: PageChip) -> dict[str, int]:
    """Return the values that the Programmer's registers have for each chip of the page."""
    network = made.base
    variation = made.device.neuron_variation
    threshold = variation.threshold_deviation(network.neuron)
    pivot = variation.pivot(network.neuron) * (2**network.current_bits - 1)
    return {
        "flags": full_scale(network.rah_bits) << TOP_SHIFT | STUCK_FLAGS["low"],
        "threshold": 0,
        "useSpread": ColumnNoise(Chip(made.device, 0), network).use_spread,
        "gainShare": share_units(variation.gain),
        "gainTop": 2**GAIN_BITS - 1,
        "pivot": round(pivot),
        "thresholdSpread": round(threshold * 2 ** (network.current_bits + USE_BITS)),
        "stateBits": CHIPS.state_bits,
    }


def write_page(
    folder: Path,
    choices: Choices | None = None,
    *,
    compiles: bool = True,
    documents: str | None = None,
    progress: Progress = no_progress,
) -> None:
    """Write the page: a folder for any server of files.

    Parameters
    ----------
    folder : Path
        Folder that is missing, empty, or has an earlier page, which is replaced.
    choices : Choices, optional
        As of `page_data`; by default of `NETWORK` and chips of ``paper``.
    compiles : bool
        True to compile the gateware if it is not in the cache, which takes minutes.
    documents : str, optional
        Address of the documents that the page lies beside, for its button.
    progress : callable
        As of `allspin.boards.virtual.build.build`.

    Raises
    ------
    UserError
        If the page cannot show the network, the gateware cannot be compiled, the folder has
        something else, or cannot be written.
    """
    folder = folder.resolve()
    with refused(f"cannot write {folder}: ", kinds=OSError):
        if folder.exists() and any(folder.iterdir()) and not (folder / MADE).is_file():
            raise UserError(
                f"{folder} has what is no such page: name a folder that is new or empty"
            )
    choices = Choices.open(NETWORK) if choices is None else choices
    data = page_data(choices)
    shown = PageChip.of(choices, choices.usual()).base
    machine = TopParameters.from_network(shown, HardwareProfile(variation=CHIPS))
    code = build(machine, WASM, compiles=compiles, progress=progress).read_bytes()
    make_folder(folder.parent)
    with (
        refused(f"cannot write {folder}: ", kinds=OSError),
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=".page-") as beside,
    ):
        made = Path(beside) / "made"
        shutil.copytree(PAGE, made, ignore=shutil.ignore_patterns(*SERVED))
        index = made / "index.html"
        text = index.read_text(encoding="utf-8")
        assert START in text
        help_ = f'<link rel="help" href="{escape(documents)}">\n' if documents else ""
        index.write_text(text.replace(START, help_ + ALONE), encoding="utf-8")
        terms = []
        if GLOSSARY.is_file():
            terms = TERM.findall(GLOSSARY.read_text(encoding="utf-8"))
        (made / "alone" / "terms.json").write_text(json.dumps(terms), encoding="utf-8")
        (made / MADE).write_bytes(gzip.compress(code, 9, mtime=0))
        (made / "alone" / "data.bin").write_bytes(gzip.compress(data, 9, mtime=0))
        if folder.exists():
            folder.rename(Path(beside) / "before")
        made.rename(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m allspin.host.live.alone", description="Write it.")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="new, empty or such a page")
    try:
        write_page(parser.parse_args().folder, progress=lambda what, seconds: None)
    except UserError as error:
        parser.exit(2, f"allspin: {error}\n")
