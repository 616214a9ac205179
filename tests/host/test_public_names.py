"""The public functions: what a network may be for each, and that what they take is public too."""

import contextlib
import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import allspin
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import save_network

OBJECTS_ONLY = {"GoldenModel", "program_chip", "save_network"}
"""Of the layer that knows no files of the host's: they want a `Network`."""
NAMES = {"network", "networks", "subject"}
"""What parameters that are networks are called."""


def functions() -> dict[str, Callable[..., Any]]:
    """The public functions by name."""
    found = {name: getattr(allspin, name) for name in allspin.__all__}
    return {name: value for name, value in found.items() if inspect.isfunction(value)}


def taking_networks() -> set[str]:
    """Names of the public functions that have a parameter for a network."""
    return {n for n, f in functions().items() if NAMES & set(inspect.signature(f).parameters)}


class Enough(Exception):
    """The network was found, and the rest would take long."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Callable[[Any], object]]:
    """By function, a call with a network that goes as far as the network is understood."""
    pixels = np.zeros((2, 28, 28), np.uint8)

    def enough(*_: object, **__: object) -> None:
        raise Enough

    for place in (
        "allspin.host.bitstreams.build.build_board",
        "allspin.host.report.page.find",
        "allspin.host.compare.comparison.neuron_figures",
        "allspin.host.run.simulate.find_tools",
    ):
        monkeypatch.setattr(place, enough)
    one = allspin.MeasureOptions(chips=1, columns=(allspin.Column("C2C", ("c2c",), "open-loop"),))
    image = tmp_path / "digit.png"
    PIL.Image.fromarray(np.eye(9, dtype=np.uint8) * 255).save(image)
    return {
        "build": lambda network: allspin.build("icebreaker", network),
        "classify": lambda network: allspin.classify(network, [image]),
        "compare": allspin.compare,
        "load_network": allspin.load_network,
        "load_test_set": lambda network: allspin.load_test_set(networks=network),
        "measure_chips": lambda network: allspin.measure_chips(network, options=one, images=5),
        "open_machine": lambda network: allspin.open_machine("golden", network).close(),
        "report": lambda network: allspin.report(network, tmp_path / "report.html"),
        "run": lambda network: allspin.run(network, images=5),
        "simulate_engine": lambda network: allspin.simulate_engine(network, pixels),
    }


def test_none_is_forgotten(calls: dict[str, Callable[[Any], object]]) -> None:
    assert taking_networks() == set(calls) | (OBJECTS_ONLY & set(functions()))


@pytest.mark.parametrize("name", sorted(taking_networks() - OBJECTS_ONLY))
def test_each_takes_a_network_its_name_and_its_file(
    name: str, calls: dict[str, Callable[[Any], object]], tmp_path: Path
) -> None:
    network = allspin.load_network("mnist-10")
    save_network(network, tmp_path / "net")
    for given in ("mnist-10", str(tmp_path / "net"), tmp_path / "net", network):
        with contextlib.suppress(Enough):
            calls[name](given)
    with pytest.raises(UserError, match="there is no network 'nothing'"):
        calls[name]("nothing")


def classes_in(annotation: object) -> set[type]:
    """The classes that an annotation is made of."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return {annotation}
    return {found for part in typing.get_args(annotation) for found in classes_in(part)}


def test_what_public_functions_take_is_public() -> None:
    public = {getattr(allspin, name) for name in allspin.__all__}
    hidden: set[str] = set()
    looked: set[type] = set()
    taken = [hints_of(function) for function in functions().values()]
    while taken:
        for kind in {kind for hint in taken.pop().values() for kind in classes_in(hint)} - looked:
            looked.add(kind)
            if not kind.__module__.startswith("allspin."):
                continue
            if kind not in public:
                hidden.add(kind.__name__)
            # What options are made of has to be had, too.
            if kind.__name__.endswith(("Options", "Parameters", "Profile")):
                taken.append(hints_of(kind))
    assert hidden == {"Plan"}  # what `sweep` makes itself of a mapping


def hints_of(place: Any) -> dict[str, Any]:
    """Types of a function's parameters, or of a class's fields that can be set."""
    hints = typing.get_type_hints(place, vars(inspect.getmodule(place)))
    hints.pop("return", None)
    if isinstance(place, type) and dataclasses.is_dataclass(place):
        return {field.name: hints[field.name] for field in dataclasses.fields(place) if field.init}
    return hints
