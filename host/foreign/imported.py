"""Result of an import: the network at each stage, with accuracies and errors of its layers."""

from dataclasses import dataclass
from typing import Any

from allspin.host.foreign.input_scaling import Choice
from allspin.host.train.trained import Trained
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief, Shown


@dataclass(frozen=True, eq=False)
class NetworkStage(Brief):
    """Network at one of its stages.

    Attributes
    ----------
    network : Network
        The network that the machine runs.
    accuracy : float
        Share of the test images that the golden model classifies correctly.
    errors : tuple of float
        Error of each layer: see `allspin.host.foreign.quantise.layer_errors`.
    """

    network: Network
    accuracy: float
    errors: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Imported(Shown):
    """Result of an import.

    Attributes
    ----------
    model_topology : tuple of int
        Widths of the model.
    model_accuracy : float
        Accuracy of the model itself in floating point, on the test images. With convolutions, the
        layers that were read classify the images after the first 2,000.
    choice : Choice
        Scaling of its input.
    quantised : NetworkStage
        The quantised network.
    tuned : NetworkStage or None
        The network after more training; None without.
    constant_neurons : int
        Hidden neurons that hold the biases of the last layer.
    spread_biases : bool
        True if biases were spread over the pixels' weights, as the model has no hidden layer.
    interrupted : bool
        True if Ctrl-C ended the training early.
    """

    model_topology: tuple[int, ...]
    model_accuracy: float
    choice: Choice
    quantised: NetworkStage
    tuned: NetworkStage | None
    constant_neurons: int
    spread_biases: bool
    interrupted: bool

    @property
    def network(self) -> Network:
        """Network of the last stage."""
        return (self.tuned or self.quantised).network

    @property
    def stages(self) -> dict[str, NetworkStage]:
        """Stages by name: quantised, and tuned if it was."""
        return {"quantised": self.quantised} | ({"tuned": self.tuned} if self.tuned else {})

    @property
    def accuracies(self) -> dict[str, float]:
        """Accuracy of the model and of each stage, on the test images."""
        return {
            "model": self.model_accuracy,
            **{name: stage.accuracy for name, stage in self.stages.items()},
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the result of ``allspin import --json``, without file and seconds."""
        return {
            "topology": list(self.network.topology),
            "model_topology": list(self.model_topology),
            "input": self.choice.scaling.to_dict(),
            "model_accuracy": self.model_accuracy,
            "quantised_accuracy": self.quantised.accuracy,
            "tuned_accuracy": self.tuned and self.tuned.accuracy,
            "quantised_errors": list(self.quantised.errors),
            "tuned_errors": self.tuned and list(self.tuned.errors),
            "constant_neurons": self.constant_neurons,
            "interrupted": self.interrupted,
        }

    def plot(self) -> Any:
        """Draw the accuracies, and the errors of the layers."""
        from allspin.host.charts.import_chart import imported_network
        from allspin.host.draw.style import name_text

        return imported_network(
            f"{name_text(self.network.provenance['model']['name'])}, imported",
            self.accuracies,
            {name: stage.errors for name, stage in self.stages.items()},
        )

    save = Trained.save
