"""Parts of the bench that ``--quick`` leaves out, and how a training that is interrupted ends."""

import types

import pytest

from tests.bench import bench as module
from tests.bench.bench import Effort, shapes_on_virtual, training


@pytest.mark.long
def test_cycles_of_a_virtual_board_resident_and_over_the_link():
    effort = Effort(virtual_images=60, repeats=1, shapes=((8, 1, False), (None, 1, True)))
    few, all_of_them = shapes_on_virtual(effort)
    # By hand: a hundred neurons on eight lanes are 13 passes over the active pixels.
    assert few["bound"] == pytest.approx(13 * all_of_them["bound"], rel=0.1)
    for row in (few, all_of_them):
        assert row["bound"] <= row["cycles_per_image"] < 1.2 * row["bound"]
        assert row["bound"] <= row["link_cycles_per_image"] < 1.2 * row["bound"]
        assert row["images_per_second"] > 0
    assert (few["target"], all_of_them["target"]) == (None, 8_000)


def test_an_interrupted_training_ends_the_bench(monkeypatch):
    ended = types.SimpleNamespace(interrupted=True, test_accuracy=0.5)
    monkeypatch.setattr(module, "train", lambda *_: ended)
    with pytest.raises(KeyboardInterrupt):
        training(1)
