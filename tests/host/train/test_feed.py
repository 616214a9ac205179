import itertools
import threading
from contextlib import closing

import numpy as np
import pytest

from allspin.host.train.augment import Augmentation, Augmenter, Course
from allspin.host.train.feed import bent_batches
from allspin.host.train.worker import WorkerLost, from_worker

SHAPE = (4, 5)
STILL = Augmentation(rotation=0.0, stretch=0.0, shift=0.0, elastic=0.0)


def feed(
    count: int,
    epochs: int,
    size: int,
    seed: int = 0,
    how: Augmentation = STILL,
    among=None,
    top=255,
):
    """Images whose first pixel is their number, and whose label is too."""
    images = np.zeros((count, SHAPE[0] * SHAPE[1]), dtype=np.uint8)
    images[:, 0] = np.arange(count)
    course = Course(SHAPE, how, top, size, epochs, (seed, 9))
    among = np.arange(count) if among is None else among
    return bent_batches(images, np.arange(count), among, course)


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "allspin batches"]


def test_an_epoch_has_every_image_once_and_its_label() -> None:
    batches = list(feed(count=90, epochs=3, size=45))
    assert len(batches) == 6
    orders = []
    for first, second in zip(batches[::2], batches[1::2], strict=True):
        for values, labels in (first, second):
            assert (values.shape, values.dtype) == ((20, 45), np.float32)
            assert np.array_equal(values[0], labels)
        orders.append(tuple(np.concatenate([first[1], second[1]])))
        assert sorted(orders[-1]) == list(range(90))
    assert len(set(orders)) == 3


def test_only_those_that_are_chosen_come() -> None:
    chosen = np.arange(1, 90, 2)
    (values, labels), *_ = list(feed(count=90, epochs=1, size=45, among=chosen))
    assert sorted(labels) == list(chosen)
    assert np.array_equal(values[0], labels)


def test_a_batch_that_does_not_fill_is_left_out() -> None:
    assert [len(labels) for _, labels in feed(count=50, epochs=2, size=40)] == [40, 40]


@pytest.mark.parametrize("top", [1, 15])
def test_values_are_rounded_as_the_machine_rounds_pixels(top: int) -> None:
    for values, labels in feed(count=200, epochs=1, size=200, top=top):
        expected = [(int(grey) * top + 127) // 255 for grey in labels]
        assert values[0].tolist() == expected


def test_the_seed_decides() -> None:
    def content(seed: int) -> bytes:
        return b"".join(v.tobytes() for v, _ in feed(64, 2, 64, seed, Augmentation()))

    assert content(1) == content(1)
    assert content(1) != content(2)


def test_the_thread_ends_when_the_feed_is_closed_early() -> None:
    with closing(feed(count=200, epochs=1000, size=10)) as batches:
        next(batches)
        assert threads()
    assert not threads()


def test_an_error_in_the_thread_reaches_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self, count, rng):
        raise MemoryError("no room")

    monkeypatch.setattr(Augmenter, "draw", broken)
    with pytest.raises(MemoryError, match="no room"):
        list(feed(count=10, epochs=1, size=10, how=Augmentation()))
    assert not threads()


def test_long_courses_are_made_by_a_process_and_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def content() -> list[tuple[bytes, bytes]]:
        made = feed(count=70, epochs=3, size=33, seed=5, how=Augmentation())
        return [(values.tobytes(), labels.tobytes()) for values, labels in made]

    here = content()
    asked = []

    def watched(*given):
        asked.append(given)
        return from_worker(*given)

    monkeypatch.setattr("allspin.host.train.feed.from_worker", watched)
    assert content() == here
    assert not asked
    monkeypatch.setattr("allspin.host.train.feed.WORKER_FROM", len(here))
    assert content() == here
    assert len(asked) == 1
    assert not threads()


def test_where_the_process_is_lost_the_batches_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def content() -> list[tuple[bytes, bytes]]:
        made = feed(count=70, epochs=3, size=20, seed=5, how=Augmentation())
        return [(values.tobytes(), labels.tobytes()) for values, labels in made]

    here = content()
    assert len(here) == 9

    for lost in range(9):

        def some(course, images, among, lost=lost):
            yield from itertools.islice(course.batches(images, among), lost)
            raise WorkerLost

        monkeypatch.setattr("allspin.host.train.feed.WORKER_FROM", 1)
        monkeypatch.setattr("allspin.host.train.feed.from_worker", some)
        assert content() == here


def test_a_large_set_is_not_held_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_):
        raise AssertionError("held twice")

    monkeypatch.setattr("allspin.host.train.feed.from_worker", asked)
    monkeypatch.setattr("allspin.host.train.feed.WORKER_FROM", 1)
    monkeypatch.setattr("allspin.host.train.feed.WORKER_BYTES", 70 * 20 - 1)
    assert len(list(feed(count=70, epochs=1, size=35))) == 2


def test_what_is_wrong_with_a_course_reaches_the_reader() -> None:
    with pytest.raises(ZeroDivisionError):
        list(feed(count=10, epochs=1, size=0))
    assert not threads()
