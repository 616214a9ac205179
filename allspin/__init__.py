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
    from allspin.host.bitstreams.build.boards import BuildDisplay as BuildDisplay
    from allspin.host.bitstreams.build.boards import BuildOptions as BuildOptions
    from allspin.host.bitstreams.build.boards import build as build
    from allspin.host.bitstreams.build.job import BuildChanges as BuildChanges
    from allspin.host.data.catalogue import open_device as load_device
    from allspin.host.data.catalogue import open_network as load_network
    from allspin.host.data.datasets import Dataset as Dataset
    from allspin.host.data.datasets import load_dataset as load_dataset
    from allspin.host.data.datasets import load_test_set as load_test_set
    from allspin.host.data.image_files.load import load_image as load_image
    from allspin.host.link.machines.machine import Machine as Machine
    from allspin.host.link.machines.opening import open_machine as open_machine
    from allspin.host.link.wire.uart import UartOptions as UartOptions
    from allspin.host.report.report import report as report
    from allspin.host.report.subject import Subject as ReportSubject
    from allspin.host.show.display import Display as Display
    from allspin.host.study.chips.accuracy import Column as Column
    from allspin.host.study.chips.measured import MeasureOptions as MeasureOptions
    from allspin.host.study.chips.measured import measure_chips as measure_chips
    from allspin.host.study.compare.comparison import compare as compare
    from allspin.host.study.compare.subject import CompareOptions as CompareOptions
    from allspin.host.study.compare.subject import Subject as ComparisonSubject
    from allspin.host.study.fit.decay.fitted import DecayOptions as DecayOptions
    from allspin.host.study.fit.decay.fitted import fit_decay as fit_decay
    from allspin.host.study.fit.fit import fit as fit
    from allspin.host.study.fit.options import FitOptions as FitOptions
    from allspin.host.study.fit.reading.options import ColumnNames as ColumnNames
    from allspin.host.study.fit.reading.options import ReadOptions as ReadOptions
    from allspin.host.study.hardware.proof.engine import SimulatorOptions as SimulatorOptions
    from allspin.host.study.hardware.proof.engine import simulate_engine as simulate_engine
    from allspin.host.study.running.chip_options import ChipOptions as ChipOptions
    from allspin.host.study.running.chip_options import ProbedChipOptions as ProbedChipOptions
    from allspin.host.study.running.classify import classify as classify
    from allspin.host.study.running.machine_options import MachineOptions as MachineOptions
    from allspin.host.study.running.run import RunOptions as RunOptions
    from allspin.host.study.running.run import run as run
    from allspin.host.study.sweep.cluster import Cluster as Cluster
    from allspin.host.study.sweep.sweep import sweep as sweep
    from allspin.host.training.images.augment import Augmentation as Augmentation
    from allspin.host.training.imported.importing import import_network as import_network
    from allspin.host.training.imported.options import ImportOptions as ImportOptions
    from allspin.host.training.recipe.parameters import TrainingParameters as TrainingParameters
    from allspin.host.training.recipe.training_target import TrainingTarget as TrainingTarget
    from allspin.host.training.robust.robustness import Robustness as Robustness
    from allspin.host.training.train import train as train
    from allspin.sim.chip.chip import Chip as Chip
    from allspin.sim.device.device import Device as Device
    from allspin.sim.device.device_file import save_device as save_device
    from allspin.sim.device.synapse.kinds import register_response as register_response
    from allspin.sim.device.synapse.kinds import register_synapse as register_synapse
    from allspin.sim.device.synapse.response import Response as Response
    from allspin.sim.device.synapse.synapse import Synapse as Synapse
    from allspin.sim.errors import UserError as UserError
    from allspin.sim.network.golden import GoldenModel as GoldenModel
    from allspin.sim.network.netfile import save_network as save_network
    from allspin.sim.network.network import Network as Network
    from allspin.sim.network.neuron import register_neuron as register_neuron
    from allspin.sim.network.neuron_kind import Neuron as Neuron
    from allspin.sim.network.tiling import Tiles as Tiles
    from allspin.sim.point.operating_point import OperatingPoint as OperatingPoint
    from allspin.sim.programming.programming import program_chip as program_chip
    from allspin.sim.programming.schemes import Programming as Programming

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
    "Augmentation": "host.training.images.augment",
    "BuildChanges": "host.bitstreams.build.job",
    "BuildDisplay": "host.bitstreams.build.boards",
    "BuildOptions": "host.bitstreams.build.boards",
    "Chip": "sim.chip.chip",
    "ChipOptions": "host.study.running.chip_options",
    "Cluster": "host.study.sweep.cluster",
    "Column": "host.study.chips.accuracy",
    "ColumnNames": "host.study.fit.reading.options",
    "CompareOptions": "host.study.compare.subject",
    "ComparisonSubject": "host.study.compare.subject:Subject",
    "Dataset": "host.data.datasets",
    "DecayOptions": "host.study.fit.decay.fitted",
    "Device": "sim.device.device",
    "Display": "host.show.display",
    "FitOptions": "host.study.fit.options",
    "GoldenModel": "sim.network.golden",
    "HardwareProfile": "hdl.parameters.profile",
    "ImportOptions": "host.training.imported.options",
    "Machine": "host.link.machines.machine",
    "MachineOptions": "host.study.running.machine_options",
    "MeasureOptions": "host.study.chips.measured",
    "Network": "sim.network.network",
    "Neuron": "sim.network.neuron_kind",
    "NeuronGateware": "hdl.neuron.neuron",
    "OperatingPoint": "sim.point.operating_point",
    "ProbedChipOptions": "host.study.running.chip_options",
    "Programming": "sim.programming.schemes",
    "ReadOptions": "host.study.fit.reading.options",
    "ReportSubject": "host.report.subject:Subject",
    "ResidentParameters": "hdl.parameters.profile",
    "Response": "sim.device.synapse.response",
    "Robustness": "host.training.robust.robustness",
    "RunOptions": "host.study.running.run",
    "SimulatorOptions": "host.study.hardware.proof.engine",
    "Synapse": "sim.device.synapse.synapse",
    "Tiles": "sim.network.tiling",
    "TrainingParameters": "host.training.recipe.parameters",
    "TrainingTarget": "host.training.recipe.training_target",
    "UartOptions": "host.link.wire.uart",
    "UserError": "sim.errors",
    "VariationParameters": "hdl.parameters.profile",
    "build": "host.bitstreams.build.boards",
    "classify": "host.study.running.classify",
    "compare": "host.study.compare.comparison",
    "fit": "host.study.fit.fit",
    "fit_decay": "host.study.fit.decay.fitted",
    "import_network": "host.training.imported.importing",
    "load_dataset": "host.data.datasets",
    "load_device": "host.data.catalogue:open_device",
    "load_image": "host.data.image_files.load",
    "load_network": "host.data.catalogue:open_network",
    "load_test_set": "host.data.datasets",
    "measure_chips": "host.study.chips.measured",
    "open_machine": "host.link.machines.opening",
    "program_chip": "sim.programming.programming",
    "register_gateware": "hdl.neuron.neuron",
    "register_neuron": "sim.network.neuron",
    "register_response": "sim.device.synapse.kinds",
    "register_synapse": "sim.device.synapse.kinds",
    "report": "host.report.report",
    "run": "host.study.running.run",
    "save_device": "sim.device.device_file",
    "save_network": "sim.network.netfile",
    "simulate_engine": "host.study.hardware.proof.engine",
    "sweep": "host.study.sweep.sweep",
    "train": "host.training.train",
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
