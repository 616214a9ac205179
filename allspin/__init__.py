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
    from allspin.hdl.parameters.profile import HardwareProfile as HardwareProfile
    from allspin.hdl.parameters.profile import ResidentParameters as ResidentParameters
    from allspin.hdl.parameters.profile import VariationParameters as VariationParameters
    from allspin.host.bitstreams.build import BuildChanges as BuildChanges
    from allspin.host.bitstreams.build import BuildDisplay as BuildDisplay
    from allspin.host.bitstreams.build import BuildOptions as BuildOptions
    from allspin.host.bitstreams.build import build as build
    from allspin.host.chips.accuracy import Column as Column
    from allspin.host.chips.measured import MeasureOptions as MeasureOptions
    from allspin.host.chips.measured import measure_chips as measure_chips
    from allspin.host.chips.options import ChipOptions as ChipOptions
    from allspin.host.chips.options import ProbedChipOptions as ProbedChipOptions
    from allspin.host.compare.comparison import compare as compare
    from allspin.host.compare.subject import CompareOptions as CompareOptions
    from allspin.host.compare.subject import Subject as ComparisonSubject
    from allspin.host.data.catalogue import open_device as load_device
    from allspin.host.data.catalogue import open_network as load_network
    from allspin.host.data.datasets import Dataset as Dataset
    from allspin.host.data.datasets import load_dataset as load_dataset
    from allspin.host.data.datasets import load_test_set as load_test_set
    from allspin.host.data.images import load_image as load_image
    from allspin.host.fit.columns import ColumnNames as ColumnNames
    from allspin.host.fit.columns import ReadOptions as ReadOptions
    from allspin.host.fit.decay import DecayOptions as DecayOptions
    from allspin.host.fit.decay import fit_decay as fit_decay
    from allspin.host.fit.fit import fit as fit
    from allspin.host.fit.result import FitOptions as FitOptions
    from allspin.host.foreign.importing import ImportOptions as ImportOptions
    from allspin.host.foreign.importing import import_network as import_network
    from allspin.host.link.transport import UartOptions as UartOptions
    from allspin.host.machines.machine import Machine as Machine
    from allspin.host.machines.opening import open_machine as open_machine
    from allspin.host.report.page import report as report
    from allspin.host.report.subject import Subject as ReportSubject
    from allspin.host.run.classify import classify as classify
    from allspin.host.run.machine_options import MachineOptions as MachineOptions
    from allspin.host.run.run import RunOptions as RunOptions
    from allspin.host.run.run import run as run
    from allspin.host.run.simulate import SimulatorOptions as SimulatorOptions
    from allspin.host.run.simulate import simulate_engine as simulate_engine
    from allspin.host.show.say import Display as Display
    from allspin.host.sweep.sweep import sweep as sweep
    from allspin.host.sweep.workers import Cluster as Cluster
    from allspin.host.train.augment import Augmentation as Augmentation
    from allspin.host.train.parameters import TrainingParameters as TrainingParameters
    from allspin.host.train.parameters import TrainingTarget as TrainingTarget
    from allspin.host.train.robustness import Robustness as Robustness
    from allspin.host.train.train import train as train
    from allspin.sim.chip.chip import Chip as Chip
    from allspin.sim.device.device import Device as Device
    from allspin.sim.device.device_file import save_device as save_device
    from allspin.sim.device.operating_point import OperatingPoint as OperatingPoint
    from allspin.sim.errors import UserError as UserError
    from allspin.sim.network.golden import GoldenModel as GoldenModel
    from allspin.sim.network.netfile import save_network as save_network
    from allspin.sim.network.network import Network as Network
    from allspin.sim.network.neuron import Neuron as Neuron
    from allspin.sim.network.neuron import register_neuron as register_neuron
    from allspin.sim.network.tiling import Tiles as Tiles
    from allspin.sim.programming.programming import program_chip as program_chip
    from allspin.sim.programming.schemes import Programming as Programming
    from allspin.sim.synapse.kinds import register_response as register_response
    from allspin.sim.synapse.kinds import register_synapse as register_synapse
    from allspin.sim.synapse.response import Response as Response
    from allspin.sim.synapse.synapse import Synapse as Synapse

__all__ = [
    "Augmentation",
    "BuildChanges",
    "BuildDisplay",
    "BuildOptions",
    "Chip",
    "ChipOptions",
    "Cluster",
    "Column",
    "ColumnNames",
    "CompareOptions",
    "ComparisonSubject",
    "Dataset",
    "DecayOptions",
    "Device",
    "Display",
    "FitOptions",
    "GoldenModel",
    "HardwareProfile",
    "ImportOptions",
    "Machine",
    "MachineOptions",
    "MeasureOptions",
    "Network",
    "Neuron",
    "NeuronGateware",
    "OperatingPoint",
    "ProbedChipOptions",
    "Programming",
    "ReadOptions",
    "ReportSubject",
    "ResidentParameters",
    "Response",
    "Robustness",
    "RunOptions",
    "SimulatorOptions",
    "Synapse",
    "Tiles",
    "TrainingParameters",
    "TrainingTarget",
    "UartOptions",
    "UserError",
    "VariationParameters",
    "build",
    "classify",
    "compare",
    "fit",
    "fit_decay",
    "import_network",
    "load_dataset",
    "load_device",
    "load_image",
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
    "Augmentation": "host.train.augment",
    "BuildChanges": "host.bitstreams.build",
    "BuildDisplay": "host.bitstreams.build",
    "BuildOptions": "host.bitstreams.build",
    "Chip": "sim.chip.chip",
    "ChipOptions": "host.chips.options",
    "Cluster": "host.sweep.workers",
    "Column": "host.chips.accuracy",
    "ColumnNames": "host.fit.columns",
    "CompareOptions": "host.compare.subject",
    "ComparisonSubject": "host.compare.subject:Subject",
    "Dataset": "host.data.datasets",
    "DecayOptions": "host.fit.decay",
    "Device": "sim.device.device",
    "Display": "host.show.say",
    "FitOptions": "host.fit.result",
    "GoldenModel": "sim.network.golden",
    "HardwareProfile": "hdl.parameters.profile",
    "ImportOptions": "host.foreign.importing",
    "Machine": "host.machines.machine",
    "MachineOptions": "host.run.machine_options",
    "MeasureOptions": "host.chips.measured",
    "Network": "sim.network.network",
    "Neuron": "sim.network.neuron",
    "NeuronGateware": "hdl.neuron.neuron",
    "OperatingPoint": "sim.device.operating_point",
    "ProbedChipOptions": "host.chips.options",
    "Programming": "sim.programming.schemes",
    "ReadOptions": "host.fit.columns",
    "ReportSubject": "host.report.subject:Subject",
    "ResidentParameters": "hdl.parameters.profile",
    "Response": "sim.synapse.response",
    "Robustness": "host.train.robustness",
    "RunOptions": "host.run.run",
    "SimulatorOptions": "host.run.simulate",
    "Synapse": "sim.synapse.synapse",
    "Tiles": "sim.network.tiling",
    "TrainingParameters": "host.train.parameters",
    "TrainingTarget": "host.train.parameters",
    "UartOptions": "host.link.transport",
    "UserError": "sim.errors",
    "VariationParameters": "hdl.parameters.profile",
    "build": "host.bitstreams.build",
    "classify": "host.run.classify",
    "compare": "host.compare.comparison",
    "fit": "host.fit.fit",
    "fit_decay": "host.fit.decay",
    "import_network": "host.foreign.importing",
    "load_dataset": "host.data.datasets",
    "load_device": "host.data.catalogue:open_device",
    "load_image": "host.data.images",
    "load_network": "host.data.catalogue:open_network",
    "load_test_set": "host.data.datasets",
    "measure_chips": "host.chips.measured",
    "open_machine": "host.machines.opening",
    "program_chip": "sim.programming.programming",
    "register_gateware": "hdl.neuron.neuron",
    "register_neuron": "sim.network.neuron",
    "register_response": "sim.synapse.kinds",
    "register_synapse": "sim.synapse.kinds",
    "report": "host.report.page",
    "run": "host.run.run",
    "save_device": "sim.device.device_file",
    "save_network": "sim.network.netfile",
    "simulate_engine": "host.run.simulate",
    "sweep": "host.sweep.sweep",
    "train": "host.train.train",
}
"""The module of each public name, and what the name is there if it is another."""

_here = Path(__file__).resolve().parent
if not (_here / "sim").is_dir():
    # A checkout, where the layers lie beside this folder.
    __path__.append(str(_here.parent))

if not TYPE_CHECKING:
    # A type checker knows the imports above, and is to see a name that is not among them.
    def _card(shown: object) -> str:
        """What a notebook shows of a model; what draws it is loaded when it is first asked for."""
        return import_module("allspin.host.draw.cards").card(shown)

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'allspin' has no attribute {name!r}")
        import_module("allspin.sim.shown").Shown.card = staticmethod(_card)
        module, _, there = _HOMES[name].partition(":")
        found = globals()[name] = getattr(import_module(f"allspin.{module}"), there or name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
