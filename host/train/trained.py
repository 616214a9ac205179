"""Result of a training."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from allspin.sim.network.network import Network
from allspin.sim.parameters import Shown

Finished = TypeVar("Finished")


@dataclass(frozen=True, eq=False)
class Trained(Shown):
    """Result of a training.

    Attributes
    ----------
    network : Network
        The best network by validation, with the learning curve in its provenance.
    validation_accuracy, test_accuracy : float
        Shares of images that the golden model classifies correctly.
    interrupted : bool
        True if Ctrl-C ended it early.
    chips : list of dict
        Scores of chips on the validation images, if the network was trained for chips: see
        `allspin.host.train.training_chips.judge`.
    """

    network: Network
    validation_accuracy: float
    test_accuracy: float
    interrupted: bool
    chips: list[dict[str, Any]] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        """Accuracy on the test images."""
        return self.test_accuracy

    def plot(self) -> Any:
        """Draw the learning curve."""
        # Pictures need Matplotlib, which training does not load.
        from allspin.host.charts.learning_curve import learning_curve

        return learning_curve(
            self.network.provenance["curve"], self.validation_accuracy, self.test_accuracy
        )

    def save(self, path: str | Path) -> None:
        """Write the network's file; see `allspin.save_network`."""
        self.network.save(path)


def to_the_end(work: Callable[[], Finished]) -> Finished:
    """Return what a function returns; if Ctrl-C or SIGTERM ends it once, it is called again.

    What follows a training takes seconds, and without it the training is lost.
    """
    try:
        return work()
    except KeyboardInterrupt:
        return work()
