"""The public names, for type checkers and for `allspin` itself, which reads them here."""

from allspin.hdl.neuron.neuron import NeuronGateware as NeuronGateware
from allspin.hdl.neuron.neuron_kinds import register_gateware as register_gateware
from allspin.hdl.parameters.profile import (
    HardwareProfile as HardwareProfile,
    ResidentParameters as ResidentParameters,
    VariationParameters as VariationParameters,
)
from allspin.host.bitstreams.build_options import (
    BuildChanges as BuildChanges,
    BuildOptions as BuildOptions,
)
from allspin.host.bitstreams.builds import build as build
from allspin.host.chips.chip_options import (
    program as program,
)
from allspin.host.chips.columns import Column as Column
from allspin.host.chips.cutting import cut_network as cut_network
from allspin.host.chips.measured import (
    MeasureOptions as MeasureOptions,
    measure_chips as measure_chips,
)
from allspin.host.compare.comparison import compare as compare
from allspin.host.compare.subject import (
    CompareOptions as CompareOptions,
    ComparisonSubject as ComparisonSubject,
)
from allspin.host.data.catalogue import (
    open_device as load_device,
    open_network as load_network,
    shipped_devices as devices,
    shipped_networks as networks,
)
from allspin.host.data.datasets import (
    Dataset as Dataset,
    load_dataset as load_dataset,
    load_test_set as load_test_set,
)
from allspin.host.data.images import load_image as load_image
from allspin.host.fit.decay import fit_decay as fit_decay
from allspin.host.fit.fitting import fit as fit
from allspin.host.fit.options import DecayOptions as DecayOptions, FitOptions as FitOptions
from allspin.host.fit.switching import fit_switching as fit_switching
from allspin.host.foreign.import_options import ImportOptions as ImportOptions
from allspin.host.foreign.importing import import_network as import_network
from allspin.host.lab.reading import ColumnNames as ColumnNames, ReadOptions as ReadOptions
from allspin.host.learn.learning import learn as learn
from allspin.host.learn.parameters import (
    LearnParameters as LearnParameters,
    LearnRule as LearnRule,
)
from allspin.host.link.uart_options import UartOptions as UartOptions
from allspin.host.machines.machine import Machine as Machine
from allspin.host.report.page import report as report
from allspin.host.report.subject import ReportSubject as ReportSubject
from allspin.host.run.inference import (
    RunOptions as RunOptions,
    classify as classify,
    open_machine as open_machine,
    run as run,
)
from allspin.host.run.machine_options import MachineOptions as MachineOptions
from allspin.host.run.simulate import (
    SimulatorOptions as SimulatorOptions,
    simulate_engine as simulate_engine,
)
from allspin.host.show.display import Display as Display
from allspin.host.sweep.sweeping import sweep as sweep
from allspin.host.train.kernels import Kernels as Kernels
from allspin.host.train.parameters import TrainingParameters as TrainingParameters
from allspin.host.train.target import TrainingTarget as TrainingTarget
from allspin.host.train.trainer import train as train
from allspin.host.train.training_options import (
    Augmentation as Augmentation,
    Robustness as Robustness,
)
from allspin.sim.chip.chip import Chip as Chip
from allspin.sim.device.device import Device as Device
from allspin.sim.device.device_file import save_device as save_device
from allspin.sim.device.operating_point import OperatingPoint as OperatingPoint
from allspin.sim.errors import UserError as UserError
from allspin.sim.network.golden import GoldenModel as GoldenModel
from allspin.sim.network.netfile import save_network as save_network
from allspin.sim.network.network import Network as Network
from allspin.sim.network.neuron import register_neuron as register_neuron
from allspin.sim.network.neuron_base import Neuron as Neuron
from allspin.sim.network.tiling import Tiles as Tiles
from allspin.sim.programming.program import ProgrammedChip as ProgrammedChip
from allspin.sim.programming.schemes import Programming as Programming
from allspin.sim.synapse.response import Response as Response
from allspin.sim.synapse.synapse import Synapse as Synapse
from allspin.sim.synapse.synapse_kinds import (
    register_response as register_response,
    register_synapse as register_synapse,
)

# An import that renames is public by being named here, the others are by their ``as``.
__all__ = ["devices", "load_device", "load_network", "networks"]

__version__: str
