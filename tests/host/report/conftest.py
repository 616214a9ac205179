"""A page about a small network whose every name tries to be markup."""

import gzip
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allspin.host.bitstreams.manifest import check_manifest
from allspin.host.cli.main import main
from allspin.host.data.catalogue import open_device
from allspin.sim.device.device_file import save_device
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.netfile import save_network
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import SotNeuron

ATTACK = '<script>alert("x")</script>&amp;\'<img src=x onerror=alert(1)>'
"""Markup that every name contains; a file's name has no slash."""
FILE_ATTACK = "<script>alert(1)<img src=x onerror=alert(2)>&amp;'\""
SECTIONS = [
    *("trained", "devices", "chips", "maps", "confusion"),
    *("mistakes", "engine", "boards", "comparison"),
]
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


def hostile_builds(network: str) -> list[dict[str, Any]]:
    """Records of ``allspin build``, with names that contain markup."""
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
        "worst_fmax_mhz": 30.0,
        "need_mhz": 24,
        "luts": 2235,
        "luts_share": 0.40,
        "cells": 2300,
        "cells_share": 0.42,
        "ffs": 1200,
        "memories": 4,
        "memories_share": 1.0,
        "dsps": 1,
        "seeds": [{"seed": 0, "fmax_mhz": 31.25, "seconds": 9}],
        "seconds": 9,
        "shortfall": None,
        "gateware": None,
        "cycles_per_image": None,
        "images_per_second": 20123,
        "link_images_per_second": 812,
        "tools": {ATTACK: ATTACK},
    }
    none = {"fmax_mhz": None, "worst_fmax_mhz": None}
    return [
        check_manifest(record)
        for record in (
            good,
            {**good, "board": "large", "images_per_second": 2.5e6, "cells_share": 0.71},
            {**good, **none, "board": "small", "fits": False, "cells_share": 1.9},
            {**good, "board": "slow", "meets_timing": False, "images_per_second": None},
            {**good, "board": "of another network", "network": "another"},
        )
    ]


def write_idx(path: Path, values: np.ndarray[Any, Any]) -> None:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes(), 1, mtime=0))


@dataclass(frozen=True)
class Made:
    """Result of ``allspin report``.

    Attributes
    ----------
    path : Path
        The page.
    text : str
        Its content.
    arguments : list of str
        Exit status, output and errors.
    network : Network
        Subject of the report.
    images, labels : ndarray
        The test set.
    """

    path: Path
    text: str
    arguments: list[str]
    network: Network
    images: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]


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
        patch.setattr("allspin.host.bitstreams.kept.kept_manifests", lambda: builds)
        assert main(["report", *arguments, "--chips", "3", "-o", str(page)]) == 0
    return Made(page, page.read_text(encoding="utf-8"), arguments, network, images, labels)
