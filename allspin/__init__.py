"""Emulator of an all-spin neural network in gateware, with its training and its golden model.

What `__all__` lists is public; ``docs/python.md`` has an example of each. It is loaded when it is
first asked for, so that ``import allspin`` costs nothing.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allspin.hdl.neuron.neuron import NeuronGateware as NeuronGateware
    from allspin.hdl.neuron.neuron import register_gateware as register_gateware
    from allspin.hdl.parameters import HardwareProfile as HardwareProfile
    from allspin.host.bitstreams.build.boards import build as build
    from allspin.host.data.catalogue import open_device as load_device
    from allspin.host.data.catalogue import open_network as load_network
    from allspin.host.data.datasets import load_dataset as load_dataset
    from allspin.host.data.datasets import load_test_set as load_test_set
    from allspin.host.link.machines.machine import Machine as Machine
    from allspin.host.link.machines.opening import open_machine as open_machine
    from allspin.host.report.report import report as report
    from allspin.host.study.chips.measured import measure_chips as measure_chips
    from allspin.host.study.compare.comparison import compare as compare
    from allspin.host.study.fit.fit import fit as fit
    from allspin.host.study.proof.engine import simulate_engine as simulate_engine
    from allspin.host.study.run import run as run
    from allspin.host.study.sweep.sweep import sweep as sweep
    from allspin.host.training.recipe import TrainingParameters as TrainingParameters
    from allspin.host.training.recipe import train as train
    from allspin.sim.chip.chip import Chip as Chip
    from allspin.sim.device.device import Device as Device
    from allspin.sim.device.device_file import save_device as save_device
    from allspin.sim.device.response import Response as Response
    from allspin.sim.device.synapse import Synapse as Synapse
    from allspin.sim.device.synapse_kinds import register_response as register_response
    from allspin.sim.device.synapse_kinds import register_synapse as register_synapse
    from allspin.sim.errors import UserError as UserError
    from allspin.sim.network.golden import GoldenModel as GoldenModel
    from allspin.sim.network.netfile import save_network as save_network
    from allspin.sim.network.network import Network as Network
    from allspin.sim.network.neuron import register_neuron as register_neuron
    from allspin.sim.network.neuron_kind import Neuron as Neuron
    from allspin.sim.programming.programming import program_chip as program_chip
    from allspin.sim.programming.schemes import Programming as Programming

__all__ = [
    "Chip",
    "Device",
    "GoldenModel",
    "HardwareProfile",
    "Machine",
    "Network",
    "Neuron",
    "NeuronGateware",
    "Programming",
    "Response",
    "Synapse",
    "TrainingParameters",
    "UserError",
    "build",
    "compare",
    "fit",
    "load_dataset",
    "load_device",
    "load_network",
    "load_test_set",
    "measure_chips",
    "open_machine",
    "program_chip",
    "register_gateware",
    "register_neuron",
    "register_response",
    "register_synapse",
    "report",
    "run",
    "save_device",
    "save_network",
    "simulate_engine",
    "sweep",
    "train",
]

_HOMES = {
    "Chip": "sim.chip.chip",
    "Device": "sim.device.device",
    "GoldenModel": "sim.network.golden",
    "HardwareProfile": "hdl.parameters",
    "Machine": "host.link.machines.machine",
    "Network": "sim.network.network",
    "Neuron": "sim.network.neuron_kind",
    "NeuronGateware": "hdl.neuron.neuron",
    "Programming": "sim.programming.schemes",
    "Response": "sim.device.response",
    "Synapse": "sim.device.synapse",
    "TrainingParameters": "host.training.recipe",
    "UserError": "sim.errors",
    "build": "host.bitstreams.build.boards",
    "compare": "host.study.compare.comparison",
    "fit": "host.study.fit.fit",
    "load_dataset": "host.data.datasets",
    "load_device": "host.data.catalogue:open_device",
    "load_network": "host.data.catalogue:open_network",
    "load_test_set": "host.data.datasets",
    "measure_chips": "host.study.chips.measured",
    "open_machine": "host.link.machines.opening",
    "program_chip": "sim.programming.programming",
    "register_gateware": "hdl.neuron.neuron",
    "register_neuron": "sim.network.neuron",
    "register_response": "sim.device.synapse_kinds",
    "register_synapse": "sim.device.synapse_kinds",
    "report": "host.report.report",
    "run": "host.study.run",
    "save_device": "sim.device.device_file",
    "save_network": "sim.network.netfile",
    "simulate_engine": "host.study.proof.engine",
    "sweep": "host.study.sweep.sweep",
    "train": "host.training.recipe",
}
"""The module of each public name, and what the name is there if it is another."""

_here = Path(__file__).resolve().parent
if not (_here / "sim").is_dir():
    # A checkout, where the layers lie beside this folder.
    __path__.append(str(_here.parent))


if not TYPE_CHECKING:
    # A type checker knows the imports above, and is to see a name that is not among them.
    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'allspin' has no attribute {name!r}")
        module, _, there = _HOMES[name].partition(":")
        found = globals()[name] = getattr(import_module(f"allspin.{module}"), there or name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
