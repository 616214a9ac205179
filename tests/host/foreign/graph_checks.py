"""Checks of graphs: the answers of ONNX's own evaluator, and refusals in one line."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from allspin.host.foreign.model import read_model
from allspin.sim.errors import UserError
from tests.host.foreign.conftest import (
    INPUTS,
    PIXELS,
    SHAPE,
)


def check_layers(content: onnx.ModelProto, path: Path, topology: tuple[int, ...]) -> None:
    """Compare a graph's network with the answers of ONNX's own evaluator."""
    read = read_model(path, SHAPE)
    assert read.network.topology == topology
    content.opset_import[0].version = 18
    sides = content.graph.input[0].type.tensor_type.shape.dim
    shape = (1, *SHAPE) if len(sides) == 4 else SHAPE if len(sides) == 3 else (PIXELS,)
    given = {"input": INPUTS.reshape(-1, *shape).astype(np.float32)}
    (expected,) = ReferenceEvaluator(content).run(["output"], given)
    assert read.network.logits(INPUTS) == pytest.approx(np.asarray(expected), abs=1e-4)
    assert read.answers(INPUTS) == pytest.approx(np.asarray(expected), abs=1e-6)


def check_refused(path: Path, words: str) -> None:
    """Check that a file is refused in one line that names it."""
    with pytest.raises(UserError) as refused:
        read_model(path, SHAPE)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert path.name in str(refused.value)


@contextlib.contextmanager
def limited_memory(more: int) -> Iterator[None]:
    """Let this process take only some more bytes of addresses."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
