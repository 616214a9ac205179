"""What comes of a training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allspin.sim.network.network import Network
from allspin.sim.parameters import Shown


@dataclass(frozen=True, eq=False)
class Trained(Shown):
    """What came of a training.

    Attributes
    ----------
    network : Network
        The best network by validation, with the learning curve in its provenance.
    validation_accuracy, test_accuracy : float
        Share of images that the golden model classifies rightly.
    interrupted : bool
        Whether Ctrl-C ended it early.
    chips : list of dict
        What chips reach on the validation images, as `allspin.host.train.lesson.judge` says, if it
        was trained for them.
    """

    network: Network
    validation_accuracy: float
    test_accuracy: float
    interrupted: bool
    chips: list[dict[str, Any]] = field(default_factory=list)

    accuracy = property(lambda self: self.test_accuracy, doc="Of the test images.")

    def plot(self) -> Any:
        """The learning curve."""
        from allspin.host.charts.learning_curve import learning_curve

        return learning_curve(
            self.network.provenance["curve"], self.validation_accuracy, self.test_accuracy
        )

    def save(self, path: str | Path) -> None:
        """Write the network's file; see `allspin.save_network`."""
        self.network.save(path)
