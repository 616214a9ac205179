"""Whole trainings: accuracy, use of the images, and the network that is written."""

import dataclasses

import numpy as np
import pytest

from allspin.host.data.datasets import MNIST_DIGEST, Dataset, load_dataset
from allspin.host.show.display import Display
from allspin.host.train.feed import split
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.kernels import read_conv
from allspin.host.train.lesson import Lesson
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.trainer import _Training, train, tune
from allspin.host.train.training_options import AUGMENTATIONS, Augmentation
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.tiling import tiles_of
from tests.host.train.trainings import ROBUST, SMALL, TILES, changed, kept, right

pytestmark = pytest.mark.usefixtures("few_chips")


CONV = read_conv("3x3x6 pool, 3x2x8 p1")
CONVOLVED = TrainingParameters(conv=CONV, hidden=(12,), epochs=4)


def test_it_learns(dataset: Dataset) -> None:
    trained = train(dataset, changed(epochs=20))
    accuracy = right(trained.network, dataset.test_images, dataset.test_labels)
    assert accuracy == trained.test_accuracy > 0.9
    assert right(trained.network, *kept(dataset)) == trained.validation_accuracy
    assert trained.network.topology == (120, 16, 5)
    assert trained.network.image_shape == (10, 12)
    assert not trained.interrupted


def test_trained_convolutions_agree_with_the_golden_model(dataset: Dataset) -> None:
    """With tiles and neurons of positions, the written network is the evaluated one."""
    trained = train(dataset, changed(CONVOLVED, tiles=TILES, neuron_per="position"))
    accuracy = right(trained.network, dataset.test_images, dataset.test_labels)
    assert accuracy == trained.test_accuracy > 0.7
    assert right(trained.network, *kept(dataset)) == trained.validation_accuracy
    assert trained.network.topology == (120, 120, 192, 12, 5)
    assert trained.network.neuron_per == "position"
    assert tiles_of(trained.network) == [TILES] * 4


@pytest.mark.parametrize(
    "parameters",
    [
        changed(epochs=2),
        changed(ROBUST, epochs=1),
        pytest.param(changed(ROBUST, epochs=1, conv=CONV), marks=pytest.mark.long),
        changed(CONVOLVED, epochs=1, tiles=TILES),
    ],
)
def test_the_seed_decides_to_the_last_byte_and_test_images_play_no_part(
    dataset: Dataset, parameters: TrainingParameters
) -> None:
    dark = dataclasses.replace(dataset, test_images=255 - dataset.test_images)
    one, same, other = (
        network_to_bytes(train(data, changed(parameters, seed=seed)).network)
        for data, seed in ((dataset, 3), (dark, 3), (dataset, 4))
    )
    assert one == same != other


def test_validation_images_are_not_learnt_from(dataset: Dataset) -> None:
    """Other labels of validation images change their accuracies, but no epoch's training loss."""
    chosen = split(len(dataset.train_images))[1]
    labels = dataset.train_labels.copy()
    labels[chosen] = (labels[chosen] + 1) % dataset.classes
    other = dataclasses.replace(dataset, train_labels=labels)
    curves = [train(d, SMALL).network.provenance["curve"] for d in (dataset, other)]
    assert [e["loss"] for e in curves[0]] == [e["loss"] for e in curves[1]]
    assert curves[0] != curves[1]


class Seen(Display):
    def __init__(self) -> None:
        self.told: list[tuple[float, float | None, str]] = []

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        self.told.append((done, total, figures))


@pytest.mark.parametrize(
    ("parameters", "phases"),
    [
        (SMALL, ["float", "float", *["quantised"] * 4]),
        (changed(ROBUST, epochs=10), ["teacher", "teacher", "float", *["quantised"] * 10]),
    ],
)
def test_the_curve_has_each_phase_and_progress_counts_every_batch(
    dataset: Dataset, parameters: TrainingParameters, phases: list[str]
) -> None:
    seen = Seen()
    provenance = train(dataset, parameters, progress=seen).network.provenance
    curve = provenance["curve"]
    assert [each["phase"] for each in curve] == phases
    assert [each["epoch"] for each in curve] == [
        phases[: place + 1].count(phase) for place, phase in enumerate(phases)
    ]
    losses = [each["loss"] for each in curve if each["phase"] != "teacher"]
    assert losses[0] > losses[-1] > 0
    assert provenance["data"] == {"name": dataset.name, "digest": dataset.digest}
    steps = len(phases) * (1100 // 32)
    assert [each[:2] for each in seen.told] == [(n, steps) for n in range(1, steps + 1)]
    for each, (_, _, said) in zip(curve, seen.told[1100 // 32 - 1 :: 1100 // 32], strict=True):
        right = each["validation_accuracy"]
        assert said.startswith(f"{each['phase']} {each['epoch']}/")
        assert said.endswith(f": loss {each['loss']:.3f}, validation {right:.2%}")


def test_the_best_quantised_epoch_is_the_one_that_is_kept(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = iter([0.95, 0.96, 0.5, 0.9, 0.7, 0.8])
    seen = {}

    def scripted(_: Lesson, network: LatentNetwork, values: np.ndarray, labels: object) -> float:
        assert values.shape == (120, 100)
        accuracy = next(script)
        seen[accuracy] = network.states(0)
        return accuracy

    monkeypatch.setattr(Lesson, "accuracy", scripted)
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
    parameters = changed(epochs=15, **changes)
    trained = train(dataset, parameters)
    assert trained.test_accuracy > 0.6
    network = trained.network
    assert network.layers[0].levels.size == parameters.states
    assert network.neuron.name == changes.get("neuron", "sot")
    for name in ("pixel_bits", "hidden_bits", "rah_bits"):
        assert getattr(network, name) == getattr(parameters, name)
    assert network.current_bits == (10 if parameters.hidden_bits == 8 else 8)


def test_two_images_are_enough_and_one_is_not(dataset: Dataset) -> None:
    def first(count: int) -> Dataset:
        images, labels = dataset.train_images[:count], dataset.train_labels[:count]
        return dataclasses.replace(dataset, train_images=images, train_labels=labels)

    assert train(first(2), SMALL).network.topology == (120, 16, 5)
    with pytest.raises(UserError, match="needs at least 2 training images"):
        train(first(1), SMALL)


def test_dark_images_do_no_harm(dataset: Dataset) -> None:
    """Columns that never get a sum have no spread to be scaled by."""
    dark = dataclasses.replace(dataset, train_images=np.zeros_like(dataset.train_images))
    assert np.isfinite(train(dark, SMALL).network.provenance["curve"][-1]["loss"])


def test_each_option_changes_the_learnt_network_and_is_written_down(dataset: Dataset) -> None:
    usual = train(dataset, SMALL).network
    assert not {"rate", "batch"} & set(usual.provenance["options"])
    assert usual.provenance["options"]["augment"] == "none"
    seen = [usual.layers[0].states.tobytes()]
    for changes, written in (
        ({"noise": 0.05}, {"noise": 0.05}),
        ({"rate": 0.01}, {"rate": 0.01}),
        ({"batch": 100}, {"batch": 100}),
        ({"augmentation": AUGMENTATIONS["objects"]}, {"augment": "objects"}),
        ({"augmentation": AUGMENTATIONS["digits"]}, {"augment": "digits"}),
        ({"augmentation": Augmentation(0, 0, 2, 0)}, {"augment": "none,shift=2.0"}),
    ):
        parameters = changed(**changes)
        network = train(dataset, parameters).network
        assert network.provenance["options"] == usual.provenance["options"] | written
        assert parameters.options(dataset).items() >= written.items()
        seen.append(network.layers[0].states.tobytes())
    assert len(set(seen)) == len(seen)


def test_mnist_is_bent_as_digits_are_without_a_word(dataset: Dataset) -> None:
    mnist = dataclasses.replace(dataset, digest=MNIST_DIGEST)
    usual = train(mnist, SMALL).network
    assert "augment" not in usual.provenance["options"]
    assert SMALL.options(mnist)["augment"] == "digits"
    bent = train(dataset, changed(augmentation=AUGMENTATIONS["digits"])).network
    assert np.array_equal(usual.layers[0].states, bent.layers[0].states)


@pytest.mark.parametrize(
    ("digest", "given", "used"),
    [(MNIST_DIGEST, None, "gentle"), (MNIST_DIGEST, "objects", "objects"), ("", None, "none")],
)
def test_quick_bends_less_unless_an_augmentation_is_given(
    dataset: Dataset, digest: str, given: str | None, used: str
) -> None:
    wanted = changed(augmentation=given and AUGMENTATIONS[given], quick=True)
    quick = train(dataclasses.replace(dataset, digest=digest), wanted).network
    told = train(dataset, changed(augmentation=AUGMENTATIONS[used])).network
    assert quick.provenance["options"]["augment"] == used
    assert np.array_equal(quick.layers[0].states, told.layers[0].states)
    gentle, usual = (
        dataclasses.astuple(AUGMENTATIONS["gentle"]),
        dataclasses.astuple(AUGMENTATIONS["digits"]),
    )
    assert all(0 < less < more for less, more in zip(gentle[:4], usual[:4], strict=True))


@pytest.mark.long
def test_digits_of_8_by_8_bear_the_distortions_of_digits() -> None:
    """MNIST's first images, made small like UCI's: 4 x 4 pixels of 32 x 32 become one."""

    def small(images: np.ndarray) -> np.ndarray:
        padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
        return padded.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4)).astype(np.uint8)

    mnist = load_dataset(None)
    eight = dataclasses.replace(
        mnist,
        train_images=small(mnist.train_images[:1400]),
        train_labels=mnist.train_labels[:1400],
        test_images=small(mnist.test_images),
        digest="",
    )
    still, bent = (
        train(eight, TrainingParameters(epochs=16, augmentation=AUGMENTATIONS[name])).test_accuracy
        for name in ("none", "digits")
    )
    assert bent > still - 0.1 > 0.7


@pytest.mark.parametrize(
    ("won", "lost", "noise", "better"),
    [(5, 0, 0, True), (4, 0, 0, False), (8, 2, 0, False), (9, 2, 0, True), (8, 7, 0.01, True)],
)
def test_tuning_must_be_better_beyond_chance(
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    won: int,
    lost: int,
    noise: float,
    better: bool,
) -> None:
    """With noise on the weights any gain counts."""
    came = np.arange(100) >= 10
    later = came.copy()
    later[:won], later[10 : 10 + lost] = True, False
    found = iter([came, later])
    monkeypatch.setattr(_Training, "hits", lambda _: next(found).astype(np.int64))
    monkeypatch.setattr(Lesson, "accuracy", lambda *_: 0.9)
    latent = LatentNetwork(SMALL.formats, (120, 16, 5), np.random.default_rng(0))
    latent.start_quantising()
    before = latent.states(0).copy()
    tuned = tune(dataset, changed(epochs=1, noise=noise), latent, {}, Display()).network
    assert np.array_equal(tuned.layers[0].states, before) != better


def test_lists_of_values_are_not_bent(dataset: Dataset) -> None:
    images = {
        name: getattr(dataset, name).reshape(-1, 1, 120) for name in ("train_images", "test_images")
    }
    lists = dataclasses.replace(dataset, **images)
    trained = train(lists, changed(epochs=20))
    assert trained.network.image_shape == (1, 120)
    assert trained.network.provenance["options"]["augment"] == "none"
    assert trained.test_accuracy > 0.9
    # The same values in rows are the same to a network that is not bent.
    still = changed(augmentation=AUGMENTATIONS["none"])
    first, second = (train(data, still).network.layers[0].states for data in (lists, dataset))
    assert np.array_equal(first, second)
    with pytest.raises(UserError, match="`augment` objects bends images, but the data set has li"):
        train(lists, changed(augmentation=AUGMENTATIONS["objects"]))


class Interrupt(Display):
    def __init__(self, phase: str, epoch: int) -> None:
        self.at = f"{phase} {epoch}/"

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        if figures.startswith(self.at):
            raise KeyboardInterrupt


def test_an_interrupt_leaves_the_best_so_far_and_before_there_is_one_is_one(
    dataset: Dataset,
) -> None:
    trained = train(dataset, SMALL, progress=Interrupt("quantised", 3))
    assert trained.interrupted
    assert trained.network.provenance["interrupted"] is True
    whole = train(dataset, SMALL).network.provenance["curve"]
    assert trained.network.provenance["curve"] == whole[: 2 + 2]
    for phase, epoch in (("float", 2), ("quantised", 1)):
        with pytest.raises(KeyboardInterrupt):
            train(dataset, SMALL, progress=Interrupt(phase, epoch))
