"""Print the results of the public names as one JSON object."""

import hashlib
import json
from dataclasses import replace

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
    device = allspin.load_device(source)
    bare = replace(device, array=type(device.array)())
    for scheme in ("open-loop", "pulse-width", "write-verify"):
        for polarity in ("quieter", "depression", "potentiation", "halves"):
            chip = allspin.program(network, bare, 7, scheme, polarity=polarity)
            found[f"{source} {scheme} {polarity}"] = [digest(layer) for layer in chip.words]
    found[f"{source} logits"] = digest(chip.golden().logits(images[:200]))
print(json.dumps(found))
