"""Batches: their content, and the end of the thread that makes them."""

from contextlib import closing

import numpy as np
import pytest

from allspin.host.train.augment import Bending
from allspin.host.train.feed import Course, split
from allspin.host.train.training_options import Augmentation
from tests.host.train.feeding import ALL, IMAGES, SHAPE, STILL, content, feed, threads


def test_an_epoch_has_every_image_that_is_chosen_once_and_its_label() -> None:
    chosen = np.arange(1, 180, 2)
    batches = list(feed(180, Course(SHAPE, STILL, 255, 45, 3, (0, 9)), chosen))
    assert len(batches) == 6
    orders = []
    for first, second in zip(batches[::2], batches[1::2], strict=True):
        for values, labels in (first, second):
            assert (values.shape, values.dtype) == ((20, 45), np.float32)
            assert np.array_equal(values[0], labels)
        orders.append(tuple(np.concatenate([first[1], second[1]])))
        assert sorted(orders[-1]) == list(chosen)
    assert len(set(orders)) == 3


def test_a_batch_that_does_not_fill_is_left_out() -> None:
    batches = feed(50, Course(SHAPE, STILL, 255, 40, 2, (0,)))
    assert [len(labels) for _, labels in batches] == [40, 40]


@pytest.mark.parametrize("top", [1, 15])
def test_values_are_rounded_as_the_machine_rounds_pixels(top: int) -> None:
    for values, labels in feed(200, Course(SHAPE, STILL, top, 200, 1, (0,))):
        expected = [(int(grey) * top + 127) // 255 for grey in labels]
        assert values[0].tolist() == expected


def test_channels_are_bent_alike() -> None:
    about = Augmentation(), 15, 50, 1, (4,)
    grey = Course(SHAPE, *about).batches(IMAGES, ALL)
    colours = Course((*SHAPE, 3), *about).batches(np.repeat(IMAGES, 3, axis=1), ALL)
    for (_, values), (_, each) in zip(grey, colours, strict=True):
        assert np.array_equal(np.repeat(values, 3, axis=0), each)


def test_the_seed_decides() -> None:
    one, same, other = (
        content(64, Course(SHAPE, Augmentation(), 255, 64, 2, (seed,))) for seed in (1, 1, 2)
    )
    assert one == same != other


def test_the_thread_ends_when_the_feed_is_closed_early() -> None:
    with closing(feed(200, Course(SHAPE, STILL, 255, 10, 1000, (0,)))) as batches:
        next(batches)
        assert threads()
    assert not threads()


def test_an_error_in_the_thread_reaches_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self, count, rng):
        raise MemoryError("no room")

    monkeypatch.setattr(Bending, "draw", broken)
    with pytest.raises(MemoryError, match="no room"):
        list(feed(10, Course(SHAPE, Augmentation(), 255, 10, 1, (0,))))
    assert not threads()


def test_the_split_keeps_a_twelfth_apart() -> None:
    learnt, kept = split(60_000)
    assert (len(learnt), len(kept)) == (55_000, 5_000)
    assert sorted([*learnt, *kept]) == list(range(60_000))
