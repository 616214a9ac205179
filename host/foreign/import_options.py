"""Options of an import."""

from dataclasses import dataclass, field, fields
from typing import Any

from allspin.host.data.datasets import Dataset
from allspin.host.foreign.float_network import InputScaling
from allspin.host.train.parameters import MAX_EPOCHS, TrainingParameters
from allspin.host.train.target import TrainingTarget
from allspin.host.train.training_options import Augmentation
from allspin.sim.errors import UserError, check_range
from allspin.sim.network.tiling import Tiles
from allspin.sim.parameters import Brief, option

WHITES = (1.0, 255.0)
"""Values of a white pixel among which the import chooses."""


@dataclass(frozen=True)
class ImportOptions(Brief):
    """Options of an import.

    Parameters
    ----------
    states, neuron, pixel_bits, hidden_bits, rah_bits, noise, seed, target, tiles
        Options of the network, with the meaning that they have in a training.
    augmentation
        Amounts by which the images of `tune` are bent; by default, only MNIST's are.
    tune : int
        Epochs of training with the machine's integers, 0 to 10,000.
    white : float or None
        Value of a white pixel in the model's input, before `mean` and `scale`. None: 1; without
        `mean` and `scale`, 1 or 255, whichever fits the training images better.
    mean, scale : float or None
        Value that is subtracted from the model's input, and divisor; 0 and 1 by default.

    Raises
    ------
    ValueError, TypeError, UserError
        If a value is outside its range, or needs another.
    """

    states: int = 10
    neuron: str | None = None
    pixel_bits: int = 4
    hidden_bits: int = 4
    rah_bits: int = 8
    noise: float | None = None
    augmentation: Augmentation | None = field(default=None, metadata={"made": Augmentation.parse})
    tune: int = field(
        default=0,
        metadata=option(
            "epochs of training through the machine's integers, with the noise of the device's "
            "writes if there is one (0)",
            "EPOCHS",
        ),
    )
    seed: int = 0
    white: float | None = field(
        default=None,
        metadata=option(
            "what a white pixel is worth in the model's input, before --mean and --scale (1 or "
            "255, whichever fits the training images better)",
            "X",
        ),
    )
    mean: float | None = field(
        default=None, metadata=option("taken off the model's input (0)", "X")
    )
    scale: float | None = field(
        default=None, metadata=option("the model's input is divided by it (1)", "X")
    )
    target: TrainingTarget | None = field(default=None, metadata={"made": TrainingTarget.asked})
    tiles: Tiles | None = field(default=None, metadata={"made": Tiles.asked})

    def __post_init__(self) -> None:
        check_range("tune", self.tune, 0, MAX_EPOCHS)
        if self.augmentation is not None and not self.tune:
            raise UserError("`augment` needs `tune`")
        self.training((1,))
        self.scalings()

    def training(self, hidden: tuple[int, ...]) -> TrainingParameters:
        """Return the parameters of a training with the hidden layers of a network."""
        shared = {each.name for each in fields(TrainingParameters)}
        own = {each.name for each in fields(self)}
        values = {name: getattr(self, name) for name in own & shared}
        return TrainingParameters(hidden=hidden or (1,), epochs=max(self.tune, 1), **values)

    def scalings(self) -> list[InputScaling]:
        """Return the scalings of grey levels among which the import chooses."""
        unknown = self.white is self.mean is self.scale is None
        whites = WHITES if unknown else (1.0 if self.white is None else self.white,)
        scale = 1.0 if self.scale is None else self.scale
        return [InputScaling(white, self.mean or 0.0, scale) for white in whites]

    def provenance(self, dataset: Dataset) -> dict[str, Any]:
        """Return the options in the form of a network's provenance."""
        training = self.training((1,))
        return {
            "states": training.states,
            "neuron": training.hidden_neuron.name,
            "pixel_bits": training.pixel_bits,
            "hidden_bits": training.hidden_bits,
            "rah_bits": training.rah_bits,
            "noise": training.noise,
            "tune": self.tune,
            **({"augment": training.augmentation_of(dataset).text} if self.tune else {}),
            "seed": training.seed,
            **({} if self.target is None else self.target.to_dict()),
            **({} if self.tiles is None else self.tiles.to_dict()),
        }
