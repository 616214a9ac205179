"""What a notebook shows of a score is what came of the run."""

import dataclasses

import numpy as np

from allspin.hdl.bench.networks import random_network
from allspin.host.data.datasets import load_test_set
from allspin.host.link.payloads import Answers
from allspin.host.run.run import RunOptions, run
from allspin.host.run.score import Score, Shown
from allspin.sim.network.golden import GoldenModel
from tests.sim.parsed import parsed


def test_the_picture_counts_images_by_label_and_class():
    network = dataclasses.replace(random_network((784, 5, 10), 2), image_shape=(28, 28))
    score = run(network, "golden", RunOptions(check=True), images=60)
    found = parsed(score._repr_html_())
    images, labels = load_test_set()
    answers = GoldenModel(network).classify(images[:60])
    pairs: dict[tuple[int, int], int] = {}
    for pair in zip(labels[:60].tolist(), answers.tolist(), strict=True):
        pairs[pair] = pairs.get(pair, 0) + 1
    shown = {}
    texts = [text for text in found.of("text") if "y" in text]
    for rect, text, said in zip(found.of("rect"), texts, found.said("text"), strict=False):
        row, column = ((float(rect[name]) - 18) / 24 for name in ("y", "x"))
        assert float(text["x"]) == float(rect["x"]) + 12
        shown[int(row), int(column)] = int(said)
    assert shown == pairs
    facts = found.facts()
    assert facts["accuracy"] == f"{np.mean(answers == labels[:60]):.2%}"
    assert facts["logits that differ"] == "0 of 600"
    assert facts["machine"] == "golden"


def test_many_classes_are_a_table_only():
    shown = Shown(
        correct=3,
        seconds=1.0,
        labels=np.arange(40) % 20,
        answers=Answers(np.zeros((40, 20), np.int64), np.zeros(40, np.int64)),
        cycles_per_image=None,
    )
    score = Score("<net>", "golden", None, shown, None, None, None, 0, 0, None)
    found = parsed(score._repr_html_())
    assert found.of("svg") == []
    assert found.said("b") == ["Score of <net>"]
    assert "cycles per image" not in found.facts()
    few = dataclasses.replace(shown, labels=np.arange(40) % 16)
    assert len(parsed(dataclasses.replace(score, shown=few)._repr_html_()).of("svg")) == 1
