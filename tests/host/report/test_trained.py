"""Any provenance of a network's file has a page."""

import dataclasses
import json
import math
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.bitstreams.build_options import BuildChanges
from allspin.host.bitstreams.jobs import find_jobs
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.draw.html import render
from allspin.host.report.device_sections import device_section
from allspin.host.report.findings import Findings
from allspin.host.report.machine_sections import boards_section, comparison_section
from allspin.host.report.section import section_element
from allspin.host.report.subject import ReportSubject
from allspin.host.report.train_command import DEFAULTS
from allspin.host.report.training_sections import epochs_of, training_section
from allspin.sim.network.random_network import random_network
from tests.host.reader import Reader

NETWORK = open_network("mnist-10")
DEVICE = open_device("paper")

EXTREMES = st.sampled_from([10**400, -(10**400), 10**308, 1e308, 5e-324, -0.0])
NUMBERS = st.integers() | st.floats() | EXTREMES
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one, max_size=3),
    max_leaves=6,
)
LOSSES = st.sampled_from([1e308, 1e-300, 1e12, 1e-12, 0.3, 10**11]) | NUMBERS
EPOCHS = st.fixed_dictionaries(
    {"phase": VALUES, "loss": LOSSES, "validation_accuracy": st.floats(0, 1) | VALUES}
)
PROVENANCE = st.fixed_dictionaries(
    {},
    optional={
        "command": st.just("train") | VALUES,
        "options": st.dictionaries(st.sampled_from(sorted(DEFAULTS)), VALUES, max_size=4) | VALUES,
        "model": st.dictionaries(st.sampled_from(["name", "accuracy"]), VALUES) | VALUES,
        "data": st.dictionaries(st.just("name"), VALUES) | VALUES,
        "validation_accuracy": VALUES,
        "interrupted": VALUES,
        "curve": st.lists(EPOCHS, min_size=2, max_size=4) | VALUES,
    },
)


def page_of(provenance: dict[str, Any]) -> str:
    network = dataclasses.replace(NETWORK, provenance=provenance)
    images, labels = np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.int64)
    subject = ReportSubject("n", network, "paper", DEVICE, None, images, labels, False, 1)
    findings = cast(Findings, SimpleNamespace(subject=subject, accuracy=0.5))
    return render(section_element(training_section(findings)))


@settings(max_examples=25)
@given(PROVENANCE)
def test_any_provenance_has_its_page(provenance):
    # The provenance passes through JSON, like that of a file: JSON has integers of any size.
    assert "What was trained" in page_of(json.loads(json.dumps(provenance)))


def test_the_page_of_a_fitted_device_has_no_dict_and_its_commands_run():
    fitted = {"fit": {"potentiation": {"A": {"value": 20.5}}}, "not_measured": ["one", "two"]}
    device = dataclasses.replace(DEVICE, name="mine", source=fitted)
    provenance = {
        "command": "train",
        "options": {"states": 10, "device": "mine"},
        "data": {"name": "set.npz"},
    }
    # More lanes than an iCE40's memories feed.
    network = dataclasses.replace(random_network((784, 17, 4), 1), provenance=provenance)
    images, labels = np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.int64)
    data = Path("sets/set.npz")
    subject = ReportSubject("n", network, "out/mine.toml", device, data, images, labels, False, 1)
    found = SimpleNamespace(subject=subject, accuracy=0.5, builds=[], comparison="no width")
    findings = cast(Findings, found)
    page = Reader(render(section_element(device_section(findings))))
    assert page.said("td")[:2] == ["20.5", "one, two"]
    assert "fit.potentiation.A.value" in page.said("th")
    assert not any("{" in text for text in page.said("dd"))
    assert comparison_section(findings).commands == ()
    train, _ = map(shlex.split, training_section(findings).commands)
    words = ["--device", "out/mine.toml", "--data", "sets/set.npz", "-o", "n.safetensors"]
    assert train[-6:] == words
    ((_, _, board, *_),) = map(shlex.split, boards_section(findings).commands)
    assert find_jobs([board], network, None, BuildChanges())[0].shell()


def test_an_imported_network_names_its_model():
    page = page_of({"command": "import", "model": {"name": "a<b.onnx", "accuracy": 0.977}})
    assert "a&lt;b.onnx, 97.70 % in floating point" in page


@pytest.mark.parametrize("loss", [10**400, math.inf, math.nan, 1e300, 1e-300, True, "1", None, 0])
def test_a_value_that_is_no_loss_makes_no_curve(loss):
    good = {"phase": "float", "loss": 0.5, "validation_accuracy": 0.9}
    assert epochs_of({"curve": [good]}) == [good]
    assert epochs_of({"curve": [good, {**good, "loss": loss}]}) == []
