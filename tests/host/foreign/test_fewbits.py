"""Networks of QONNX's model zoo, of its shapes and bits: read exactly, and not much worse here."""

import numpy as np
import pytest

from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.foreign.import_options import ImportOptions
from allspin.host.foreign.importing import import_network
from tests.host.foreign.fewbits import Rounding, graph_of, trained

SIGN, TWO = Rounding(1), Rounding(2)
SIX, RELU_SIX = Rounding(6, 1 / 32), Rounding(6, 1 / 16, signed=False)
RELU_TWO = Rounding(2, 0.75, signed=False)


def jets() -> tuple[Dataset, ImportOptions]:
    """Five kinds of 16 features, each of which is worth -4 to 4."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(5, 16))
    labels = rng.integers(0, 5, 8000)
    features = centres[labels] + rng.normal(size=(8000, 16)) * rng.choice([1, 1.6], (8000, 1))
    images = np.clip(np.rint((features + 4) / 8 * 255), 0, 255).astype(np.uint8)
    return halves(images.reshape(-1, 4, 4), labels, "jets"), ImportOptions(white=8.0, mean=4.0)


def packets() -> tuple[Dataset, ImportOptions]:
    """Two kinds of 593 bits, each of which is worth -1 or 1."""
    rng = np.random.default_rng(2)
    odds = np.clip(rng.uniform(0, 1, 593) + rng.normal(size=(2, 593)) * 0.06, 0.02, 0.98)
    labels = rng.integers(0, 2, 8000)
    bits = rng.uniform(size=(8000, 593)) < odds[labels]
    images = (255 * bits).astype(np.uint8).reshape(-1, 1, 593)
    return halves(images, labels, "packets"), ImportOptions(white=2.0, mean=1.0)


def digits() -> tuple[Dataset, ImportOptions]:
    """Some of MNIST."""
    data = load_dataset()
    images, labels = data.train_images[:8000], data.train_labels[:8000]
    return halves(images, labels, "digits"), ImportOptions(white=1.0)


def halves(images, labels, name) -> Dataset:
    return Dataset(
        images[:4000], labels[:4000], images[4000:], labels[4000:], max(labels) + 1, "", name
    )


OLD, OLDER, NEW = "onnx.brevitas", "finn.custom_op.general", "qonnx.custom_op.general"
TFC, UNSW = (784, 64, 64, 64, 10), (593, 64, 64, 64, 1)
ZOO = {
    "TFC 1W1A": (digits, TFC, SIGN, SIGN, SIGN, OLD),
    "TFC 1W2A": (digits, TFC, SIGN, TWO, TWO, NEW),
    "TFC 2W2A": (digits, TFC, TWO, TWO, TWO, OLD),
    "TFC 2W2A, QCDQ": (digits, TFC, TWO, TWO, TWO, None),
    "jets": (jets, (16, 64, 32, 32, 5), SIX, RELU_SIX, None, OLDER),
    "jets, QCDQ": (jets, (16, 64, 32, 32, 5), SIX, RELU_SIX, None, None),
    "UNSW": (packets, UNSW, TWO, RELU_TWO, None, OLD),
}


QUICK = ("jets", "jets, QCDQ", "TFC 1W1A")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in ZOO]
)
def test_networks_of_few_bits_keep_their_accuracy(tmp_path, name):
    data, widths, weight, activation, enter, domain = ZOO[name]
    dataset, options = data()
    inputs = options.scalings()[0].apply(dataset.train_images)
    network = trained(inputs, dataset.train_labels, widths, weight, activation, enter)
    tail = SIGN if widths[-1] == 1 else None
    (tmp_path / "net.onnx").write_bytes(graph_of(network, domain, tail))
    logits = network.logits(options.scalings()[0].apply(dataset.test_images))
    classes = logits.argmax(axis=1) if widths[-1] > 1 else logits[:, 0] > 0
    accuracy = np.mean(classes == dataset.test_labels)
    imported = import_network(tmp_path / "net.onnx", dataset, options)
    print(
        name,
        accuracy,
        imported.model_accuracy,
        imported.quantised.accuracy,
        imported.quantised.errors,
    )
    assert accuracy > 0.75
    assert imported.model_accuracy == pytest.approx(accuracy, abs=1e-3)
    assert imported.quantised.accuracy > accuracy - 0.005
