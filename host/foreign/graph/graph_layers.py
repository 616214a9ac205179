"""Layers of a graph: a linear span, its activation and its pool, one after another."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from allspin.host.foreign.float_network import (
    FloatLayer,
    FloatNetwork,
    Reals,
    relu,
)
from allspin.host.foreign.graph.evaluator import Evaluator
from allspin.host.foreign.graph.onnx_graph import Graph
from allspin.host.foreign.graph.operators import (
    RELU,
    SAME,
    check_nodes,
    check_sizes,
    follow_channels,
    sample_shape,
)
from allspin.host.foreign.graph.probing import MAX_APART, PROBES, linear_layer
from allspin.host.foreign.graph.spans import check_sign, find_logits, layer_spans
from allspin.sim.errors import refused
from allspin.sim.network.layer_kinds import Convolution, Shape

LADDER = np.array([10.0**power for power in range(-3, 9)])
"""Sums, of both signs, at which the least value of an activation is measured: steps of eight bits
or more that an integer holds lie between two of them."""


def _activation(compute: Evaluator) -> tuple[Callable[[Reals], Reals], Reals]:
    """Return an activation that rises from 0, and the least value of each column, now removed."""
    below, above = (compute(np.tile(s * LADDER[:, None], compute.inputs)) for s in (-1, 1))
    least = below.min(axis=0)
    if not np.all((least > -LADDER[-2]) & (least <= above.min(axis=0))):
        raise ValueError(
            "a neuron holds its output from below, and its output rises; this one's goes "
            f"from {least.min():g} to {above.min():g}"
        )
    return lambda sums: compute(sums) - least, least


def _pooled(layer: FloatLayer, compute: Evaluator, low: float | Reals) -> FloatLayer:
    """Return the layer with a 2 x 2 pool, which must compute the graph's own."""
    if isinstance(layer.kind, Convolution):
        layer = replace(layer, kind=replace(layer.kind, pool=2))
        sizes = np.geomspace(1e-3, 1e4, PROBES)[:, None]
        sums = sizes * np.random.default_rng(0).normal(0, 1, (PROBES, compute.inputs))
        expected = layer.kind.pass_on(layer.activation(sums) + low)
        found = compute(sums)
        most = MAX_APART * np.abs(expected).max(axis=1, keepdims=True)
        if found.shape == expected.shape and np.all(np.abs(found - expected) <= most):
            return layer
    raise ValueError("a pool must take the largest of each 2 x 2 activations of a convolution")


def read_layers(graph: Graph, image_shape: Shape) -> tuple[FloatNetwork, str]:
    """Read the layers of a graph.

    Parameters
    ----------
    graph : Graph
        The graph.
    image_shape : tuple of int
        Height and width of the images, and channels if they have some.

    Returns
    -------
    network : FloatNetwork
        The layers.
    logits : str
        Name of the tensor that they compute.

    Raises
    ------
    UserError
        If images do not fit, or the graph is not a chain of layers; the node or the span is named.
    """
    makers, derived = check_nodes(graph)
    shape = sample_shape(graph, image_shape)
    follow_channels(graph, shape, image_shape)
    logits = find_logits(graph, makers, derived)
    check_sizes(graph)
    spans = layer_spans(graph, makers, derived, logits)
    layers: list[FloatLayer] = []
    low: float | Reals = 0.0
    for number, (source, target, stride, after) in enumerate(spans):
        what = f"{graph.path}: the nodes from {source!r} to {target!r}: "
        # An unknown graph may raise any error; layers refuse numbers that are not finite.
        with refused(what, kinds=Exception), np.errstate(all="ignore"):
            compute = Evaluator(graph, target, source, shape)
            image = source == graph.input.name and len(compute.shape) < 3
            taken = (*image_shape, 1)[:3] if image else compute.shape
            layer = linear_layer(compute, low, taken, stride)
            activation, low = relu, 0.0
            if target != logits:
                end = spans[number + 1].source
                if not {*after} <= RELU | SAME:
                    alone = Evaluator(graph, end, target, shape, pooled=False)
                    activation, low = _activation(alone)
                layer = replace(layer, activation=activation)
                if "MaxPool" in after:
                    layer = _pooled(layer, Evaluator(graph, end, target, shape), low)
                    low = layer.kind.pass_on(np.atleast_2d(low))[0] if np.ndim(low) else low
            layers.append(layer)
    with refused(f"{graph.path}: "):
        network = FloatNetwork(tuple(layers))
        if spans[0].source != graph.input.name:
            enter = Evaluator(graph, spans[0].source, graph.input.name, shape)
            network = replace(network, enter=enter)
    graph.sizes.limited = False
    if network.topology[-1] == 1:
        check_sign(graph, makers, logits, shape)
    return network, logits
