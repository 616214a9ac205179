"""Networks that a data set's images or labels do not fit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.host.data.datasets import load_test_set
from tests.host.data.conftest import a_network, refusal

IdxFolder = Callable[..., Path]


@pytest.mark.parametrize(
    ("shape", "classes", "images", "words"),
    [
        ((20, 23), 47, None, "takes images of 20 x 23 pixels"),
        ((20, 24), 46, None, "has the label 46"),
        ((20, 24), 47, 95, "`images` must be from 1 to 94, not 95"),
        ((20, 24), 47, 0, "`images` must be from 1 to 94, not 0"),
    ],
)
def test_a_network_that_cannot_take_it(
    idx_folder: IdxFolder,
    shape: tuple[int, int],
    classes: int,
    images: int | None,
    words: str,
) -> None:
    network = a_network(shape, classes)
    assert words in refusal(lambda folder: load_test_set(folder, [network], images), idx_folder())


def test_labels_beyond_the_images_that_are_shown_do_not_count(idx_folder: IdxFolder) -> None:
    folder = idx_folder()
    shown = int(np.argmax(load_test_set(folder)[1] == 46))
    assert len(load_test_set(folder, [a_network((20, 24), 46)], shown)[0]) == 94
