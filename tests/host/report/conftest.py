"""A page about a small network whose every name tries to be markup."""

import gzip
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import htpy as h
import numpy as np
import pytest

from allspin.host.cli.main import main
from allspin.host.data.catalogue import open_device
from allspin.host.report.tables import render
from allspin.sim.device.device_file import save_device
from allspin.sim.network.formats import uniform_levels
from allspin.sim.network.netfile import save_network
from allspin.sim.network.network import Converter, Layer, Network
from allspin.sim.network.neuron import SotNeuron

ATTACK = '<script>alert("x")</script>&amp;\'<img src=x onerror=alert(1)>'
"""What every name holds; a file's name has no slash."""
FILE_ATTACK = "<script>alert(1)<img src=x onerror=alert(2)>&amp;'\""
SHAPE, CLASSES, IMAGES = (9, 7), 4, 150


def hostile_network() -> Network:
    """A network that was never trained, with a provenance that says otherwise."""
    rng = np.random.default_rng(11)
    levels = uniform_levels(6)
    neuron = SotNeuron()
    return Network(
        layers=(
            Layer(
                rng.integers(0, 6, (63, 5), dtype=np.uint8),
                levels,
                Converter(np.full(5, 60, np.int32), np.full(5, -60, np.int32), 8),
                neuron.table(8, 4),
            ),
            Layer(rng.integers(0, 6, (5, CLASSES), dtype=np.uint8), levels),
        ),
        neuron=neuron,
        image_shape=SHAPE,
        provenance={
            "command": "train",
            "options": {"device": ATTACK, "noise": 0.1, "seed": ATTACK, "hidden": [ATTACK]},
            "data": {"name": ATTACK},
            "validation_accuracy": 0.5,
            "curve": [
                {"phase": phase, "loss": loss, "validation_accuracy": 1 - loss / 2}
                for phase, loss in (("float", 0.9), ("float", 0.7), (ATTACK, 0.5), (ATTACK, 0.4))
            ],
        },
    )


def hostile_builds(network: str) -> list[Any]:
    """What ``allspin build --json`` prints, with names that try to be markup, and with faults."""
    good = {
        "board": ATTACK,
        "part": ATTACK,
        "profile": "ideal",
        "network": network,
        "lanes": 16,
        "rows_per_clock": 1,
        "fits": True,
        "meets_timing": True,
        "fmax_mhz": 31.25,
        "need_mhz": 24,
        "luts": 2235,
        "luts_share": 0.42,
        "ffs": 1200,
        "memories": 4,
        "memories_share": 1.0,
        "dsps": 1,
        "images_per_second": 20123,
        "link_images_per_second": 812,
        "tools": {ATTACK: ATTACK},
    }
    return [
        good,
        {**good, "board": "large", "images_per_second": 2.5e6, "luts_share": 0.71},
        {**good, "board": "small", "fits": False, "fmax_mhz": None, "luts_share": 1.9},
        {**good, "board": "slow", "meets_timing": False, "images_per_second": None},
        {"network": network, "board": [1], "luts_share": "much", "fmax_mhz": float("nan")},
        {**good, "board": "of another network", "network": "another"},
        "no object at all",
    ]


def hostile_comparison() -> dict[str, Any]:
    """What ``allspin compare --json`` prints, in short, with hostile names and with faults."""
    neuron = {
        "name": ATTACK,
        "what": ATTACK,
        "accuracy": 0.9875,
        "area_um2": 0.04,
        "energy_fj": 0.0015,
        "energy_with_periphery_fj": 122.5,
        "energy_parts_fj": {ATTACK: 0.0015},
        "periphery_parts_fj": {"adc": 122.4985},
        "provenance": {ATTACK: ATTACK},
        "network": {"energy_pj": 1.25, "images_per_second": 5e7},
    }
    bar = {
        **{"name": ATTACK, "unit": ATTACK, "source": ATTACK},
        **{"low": 1, "high": 100, "value": 10, "ratio_low": 0.01, "ratio_high": 2.0},
    }
    return {
        "library": ATTACK,
        "yosys": f"{ATTACK}\a",
        "frequency_hz": 1e8,
        "images_counted": 150,
        "neurons": [
            neuron,
            {**neuron, "name": "cmos-bare", "area_um2": 4.788, "energy_fj": 9.25},
            {"name": "broken", "energy_fj": float("nan"), "accuracy": "good", "provenance": [1]},
            {"name": "negative", "energy_fj": -1.0},
            "no object",
        ],
        "tornado": [
            {"against": ATTACK, "periphery": False, "ratio": 0.1, "bars": [bar, {}, 3]},
            {"against": "none", "periphery": True, "ratio": 0.1, "bars": [{**bar, "ratio_low": 0}]},
        ],
        "paper_neuron": {"claimed_fj": 0.1, "stated_fj": 0.0004, "sheet_current_fj": [1.75, "x"]},
        "break_even": [{"against": ATTACK, "bare_fj": 9.25, "current_ua": 16.0}],
        "baseline": {"energy_pj": 700.5, "area_um2": 1e5, "images_per_second": 127551.0},
        "fpga": {"usage": [{"design": ATTACK, "part": ATTACK, "lut": 10, "fmax": 316.5}]},
    }


def write_idx(path: Path, values: np.ndarray[Any, Any]) -> None:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes(), 1, mtime=0))


VOID = {"br", "img", "link", "meta"}


class Reader(HTMLParser):
    """Reads a page into elements, and notes what is not well-formed.

    Attributes
    ----------
    elements : list of (str, dict)
        Names and attributes, in order.
    texts : list of (str, str)
        Text, with the name of the element that holds it.
    faults : list of str
        What is wrong.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{name}> is never closed" for name in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.faults.append(f"<{tag}> has an attribute twice: {names}")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes something else")

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, name: str) -> list[dict[str, str]]:
        """Attributes of all elements of a name."""
        return [attributes for tag, attributes in self.elements if tag == name]

    def text_of(self, name: str) -> str:
        """All text directly in elements of a name."""
        return "".join(text for holder, text in self.texts if holder == name)


@dataclass(frozen=True)
class Made:
    """What ``allspin report`` made.

    Attributes
    ----------
    path : Path
        The page.
    text : str
        Its content.
    arguments : list of str
        What made it.
    network : Network
        What it is about.
    images, labels : ndarray
        The test set.
    """

    path: Path
    text: str
    arguments: list[str]
    network: Network
    images: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]
    attack: str = ATTACK
    file_attack: str = FILE_ATTACK

    def read(self) -> Reader:
        """The page, read by a parser that is not ours."""
        return Reader(self.text)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A report about a network, a device and a data set with hostile names."""
    folder = tmp_path_factory.mktemp("report")
    data = folder / f"data {FILE_ATTACK}"
    data.mkdir()
    rng = np.random.default_rng(12)
    images = rng.integers(0, 256, (IMAGES, *SHAPE), dtype=np.uint8)
    images[rng.random(images.shape) < 0.6] = 0
    images[:, 0] = 0
    labels = rng.integers(0, CLASSES, IMAGES)
    write_idx(data / "t10k-images-idx3-ubyte.gz", images)
    write_idx(data / "t10k-labels-idx1-ubyte.gz", labels)
    network = hostile_network()
    file = folder / f"net {FILE_ATTACK}.safetensors"
    save_network(network, file)
    device = replace(open_device("paper"), name=ATTACK, unit=ATTACK, source={ATTACK: ATTACK})
    device_file = folder / f"device {FILE_ATTACK}.toml"
    save_device(device, device_file)
    page = folder / "page.html"
    arguments = [str(file), "--data", str(data), "--device", str(device_file)]
    builds = hostile_builds(str(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("allspin.host.report.subject.recall", lambda: builds)
        patch.setattr("allspin.host.report.subject.compared", lambda *_: hostile_comparison())
        assert main(["report", *arguments, "--chips", "3", "-o", str(page)]) == 0
    return Made(page, page.read_text(encoding="utf-8"), arguments, network, images, labels)


@pytest.fixture(scope="session")
def read_html() -> Callable[[h.Node], Reader]:
    """Read content as HTML with a parser that is not ours."""
    return lambda content: Reader(render(content))
