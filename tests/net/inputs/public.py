"""What the public names give, as one JSON object."""

import hashlib
import json

import numpy as np

import allspin


def digest(values):
    return hashlib.sha256(np.ascontiguousarray(values).astype("<i8").tobytes()).hexdigest()[:16]


images, labels = allspin.load_test_set()
found: dict[str, str | list[str]] = {"images": digest(images), "labels": digest(labels)}
for name in ("mnist-10", "mnist-100", "mnist-10-cmos-bare", "mnist-100-cmos-sigmoid", "robust-10"):
    found[name] = digest(allspin.GoldenModel(allspin.load_network(name)).logits(images))
network = allspin.load_network("paper-10")
for source in ("paper", "flawed.toml", "array.toml"):
    chip = allspin.Chip(allspin.load_device(source), seed=7)
    for scheme in ("open-loop", "pulse-width", "write-verify"):
        for polarity in ("quieter", "depression", "potentiation", "halves"):
            programming = allspin.Programming(scheme, polarity=polarity)
            words = allspin.program_chip(chip, network, programming).words
            found[f"{source} {scheme} {polarity}"] = [digest(layer) for layer in words]
    golden = chip.golden(network, words)
    found[f"{source} logits"] = digest(golden.logits(images[:200]))
print(json.dumps(found))
