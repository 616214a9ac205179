"""Number formats of a training for the paper's device."""

from allspin.host.data.catalogue import open_device
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.target import Occasion, TrainingTarget
from allspin.sim.programming.schemes import Programming

PAPER = open_device("paper")
FORMATS = TrainingParameters(states=10, target=TrainingTarget(PAPER)).formats
OPEN = Occasion(Programming(), False, 1.0)
