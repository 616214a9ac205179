import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.train.augment import AUGMENTATIONS, Augmentation
from allspin.host.train.feed import split
from allspin.host.train.latent import LatentNetwork
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.train import train
from allspin.host.train.trainer import Progress
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import network_to_bytes

SMALL = TrainingParameters(hidden=(16,), epochs=4)


@pytest.fixture
def dataset(idx_folder: Callable[..., Path]) -> Dataset:
    return load_dataset(idx_folder(classes=5, train=1200, test=200, shape=(10, 12)))


def test_it_learns(dataset: Dataset) -> None:
    trained = train(dataset, dataclasses.replace(SMALL, epochs=20))
    model = GoldenModel(trained.network)
    right = model.classify(dataset.test_images) == dataset.test_labels
    assert np.mean(right) == trained.test_accuracy > 0.9
    kept = split(len(dataset.train_images))[1]
    right = model.classify(dataset.train_images[kept]) == dataset.train_labels[kept]
    assert np.mean(right) == trained.validation_accuracy
    assert trained.network.topology == (120, 16, 5)
    assert trained.network.image_shape == (10, 12)
    assert not trained.interrupted


def test_no_image_is_held_twice(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    class Enough(Exception):
        pass

    def looked_at(images: np.ndarray, *_: object, **__: object) -> None:
        assert np.shares_memory(images, dataset.train_images)
        raise Enough

    monkeypatch.setattr("allspin.host.train.trainer.bent_batches", looked_at)
    with pytest.raises(Enough):
        train(dataset, SMALL)


def test_the_seed_decides_to_the_last_byte(dataset: Dataset) -> None:
    def made(seed: int) -> bytes:
        return network_to_bytes(train(dataset, dataclasses.replace(SMALL, seed=seed)).network)

    assert made(3) == made(3)
    assert made(3) != made(4)


def test_test_images_play_no_part_in_training(dataset: Dataset) -> None:
    other = dataclasses.replace(dataset, test_images=255 - dataset.test_images)
    first, second = (network_to_bytes(train(d, SMALL).network) for d in (dataset, other))
    assert first == second


def test_validation_images_are_not_learnt_from(dataset: Dataset) -> None:
    """Other labels for them change which epoch is chosen, and no epoch."""
    kept = split(len(dataset.train_images))[1]
    labels = dataset.train_labels.copy()
    labels[kept] = (labels[kept] + 1) % dataset.classes
    other = dataclasses.replace(dataset, train_labels=labels)
    curves = [train(d, SMALL).network.provenance["curve"] for d in (dataset, other)]
    assert [e["loss"] for e in curves[0]] == [e["loss"] for e in curves[1]]
    assert curves[0] != curves[1]


def test_the_learning_curve_is_kept(dataset: Dataset) -> None:
    provenance = train(dataset, SMALL).network.provenance
    assert [(e["phase"], e["epoch"]) for e in provenance["curve"]] == [
        *(("float", epoch) for epoch in (1, 2)),
        *(("quantised", epoch) for epoch in (1, 2, 3, 4)),
    ]
    losses = [e["loss"] for e in provenance["curve"]]
    assert losses[0] > losses[-1] > 0
    assert provenance["data"] == {"name": dataset.name, "digest": dataset.digest}
    assert provenance["options"]["seed"] == 0


def test_the_best_quantised_epoch_is_the_one_that_is_kept(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = iter([0.95, 0.96, 0.5, 0.9, 0.7, 0.8])
    seen = {}

    def scripted(network: LatentNetwork, values: np.ndarray, labels: np.ndarray) -> float:
        assert values.shape == (120, 100)
        accuracy = next(script)
        seen[accuracy] = network.states(0)
        return accuracy

    monkeypatch.setattr("allspin.host.train.trainer.accuracy_of", scripted)
    trained = train(dataset, SMALL)
    assert trained.validation_accuracy == trained.network.provenance["validation_accuracy"] == 0.9
    assert np.array_equal(trained.network.layers[0].states, seen[0.9])
    assert not np.array_equal(trained.network.layers[0].states, seen[0.8])


@pytest.mark.parametrize(
    "changes",
    [
        {"states": 2, "hidden": (24, 16), "rah_bits": 2},
        {"states": 128, "pixel_bits": 8, "hidden_bits": 8},
        {"states": 16, "neuron": "relu", "pixel_bits": 1},
        {"noise": 0.05},
    ],
)
def test_every_kind_of_network_learns(dataset: Dataset, changes: dict) -> None:
    parameters = dataclasses.replace(SMALL, epochs=15, **changes)
    trained = train(dataset, parameters)
    assert trained.test_accuracy > 0.6
    network = trained.network
    assert network.layers[0].levels.size == parameters.states
    assert network.neuron.name == changes.get("neuron", "sot")
    assert (network.pixel_bits, network.hidden_bits, network.rah_bits) == (
        parameters.pixel_bits,
        parameters.hidden_bits,
        parameters.rah_bits,
    )
    assert network.current_bits == (10 if parameters.hidden_bits == 8 else 8)


def test_other_shapes_and_class_counts_are_learnt(idx_folder: Callable[..., Path]) -> None:
    folder = idx_folder("letters", shape=(11, 6), classes=47, train=1880, test=188)
    trained = train(
        load_dataset(folder), dataclasses.replace(SMALL, hidden=(40,), epochs=25, states=64)
    )
    assert trained.network.topology == (66, 40, 47)
    assert trained.test_accuracy > 0.6


def test_two_images_are_enough_and_one_is_not(dataset: Dataset) -> None:
    def first(count: int) -> Dataset:
        return dataclasses.replace(
            dataset,
            train_images=dataset.train_images[:count],
            train_labels=dataset.train_labels[:count],
        )

    assert train(first(2), SMALL).network.topology == (120, 16, 5)
    with pytest.raises(UserError, match="needs at least 2 training images"):
        train(first(1), SMALL)


def test_dark_images_do_no_harm(dataset: Dataset) -> None:
    """Columns that never get a sum have no spread to be scaled by."""
    dark = dataclasses.replace(dataset, train_images=np.zeros_like(dataset.train_images))
    assert np.isfinite(train(dark, SMALL).network.provenance["curve"][-1]["loss"])


def test_noise_changes_what_is_learnt(dataset: Dataset) -> None:
    clean = train(dataset, SMALL).network
    noisy = train(dataset, dataclasses.replace(SMALL, noise=0.05)).network
    assert not np.array_equal(clean.layers[0].states, noisy.layers[0].states)


def test_rate_batch_and_augmentation_change_what_is_learnt_and_are_written_down(
    dataset: Dataset,
) -> None:
    usual = train(dataset, SMALL).network
    assert not {"rate", "batch", "augment"} & set(usual.provenance["options"])
    seen = [usual.layers[0].states.tobytes()]
    for changes, written in (
        ({"rate": 0.01}, {"rate": 0.01}),
        ({"batch": 100}, {"batch": 100}),
        ({"augmentation": AUGMENTATIONS["objects"]}, {"augment": "objects"}),
        ({"augmentation": AUGMENTATIONS["none"]}, {"augment": "none"}),
        ({"augmentation": Augmentation(0, 0, 2, 0)}, {"augment": "none,shift=2.0"}),
    ):
        parameters = dataclasses.replace(SMALL, **changes)
        network = train(dataset, parameters).network
        assert network.provenance["options"] == usual.provenance["options"] | written
        assert parameters.options(dataset).items() >= written.items()
        seen.append(network.layers[0].states.tobytes())
    assert len(set(seen)) == len(seen)


def test_what_is_said_unasked_changes_no_byte(dataset: Dataset) -> None:
    same = dataclasses.replace(SMALL, rate=0.003, augmentation=Augmentation())
    first, second = (network_to_bytes(train(dataset, given).network) for given in (SMALL, same))
    assert first == second
    assert SMALL.options(dataset).items() >= {
        ("augment", "digits"),
        ("rate", 0.003),
        ("batch", 32),
        ("epochs", 4),
    }


def test_batches_have_the_size_that_was_asked_for(dataset: Dataset) -> None:
    seen: list[Progress] = []
    train(dataset, dataclasses.replace(SMALL, batch=100), seen.append)
    assert len(seen) == 6 * 11
    with pytest.raises(UserError, match="`batch` must be at most 1,100, the images that are"):
        train(dataset, dataclasses.replace(SMALL, batch=1101))


def test_lists_of_values_are_not_bent(dataset: Dataset) -> None:
    lists = dataclasses.replace(
        dataset,
        train_images=dataset.train_images.reshape(1200, 1, 120),
        test_images=dataset.test_images.reshape(200, 1, 120),
    )
    trained = train(lists, dataclasses.replace(SMALL, epochs=20))
    assert trained.network.image_shape == (1, 120)
    assert trained.network.provenance["options"]["augment"] == "none"
    assert trained.test_accuracy > 0.9
    # The same values in rows are the same to a network that is not bent.
    still = dataclasses.replace(SMALL, augmentation=AUGMENTATIONS["none"])
    first, second = (train(data, still).network.layers[0].states for data in (lists, dataset))
    assert np.array_equal(first, second)
    bent = dataclasses.replace(SMALL, augmentation=AUGMENTATIONS["objects"])
    with pytest.raises(UserError, match="`augment` objects bends images, but the data set has li"):
        train(lists, bent)


def interrupt(phase: str, epoch: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if (progress.phase, progress.epoch) == (phase, epoch):
            raise KeyboardInterrupt

    return report


def test_an_interrupt_leaves_the_best_so_far(dataset: Dataset) -> None:
    trained = train(dataset, SMALL, interrupt("quantised", 3))
    assert trained.interrupted
    assert trained.network.provenance["interrupted"] is True
    whole = train(dataset, SMALL).network.provenance["curve"]
    assert trained.network.provenance["curve"] == whole[: 2 + 2]


@pytest.mark.parametrize(("phase", "epoch"), [("float", 2), ("quantised", 1)])
def test_an_interrupt_before_there_is_a_network_is_one(
    dataset: Dataset, phase: str, epoch: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(dataset, SMALL, interrupt(phase, epoch))


def test_progress_counts_every_batch(dataset: Dataset) -> None:
    seen: list[Progress] = []
    train(dataset, SMALL, seen.append)
    assert [p.step for p in seen] == list(range(1, seen[-1].steps + 1))
    assert len(seen) == 6 * (1100 // 32)
    assert sum(p.validation_accuracy is not None for p in seen) == 6
