"""Options of an import."""

from dataclasses import dataclass, fields
from typing import Annotated, Any

from cyclopts import Parameter

from allspin.host.data.datasets import Dataset
from allspin.host.foreign.float_network import InputScaling
from allspin.host.options import FLAT, HIDDEN, IN_RECIPE, TILES
from allspin.host.train.parameters import MAX_EPOCHS, TrainingParameters
from allspin.host.train.target import TrainingTarget
from allspin.host.train.training_options import AUGMENT, Augmentation
from allspin.sim.errors import UserError, check_range
from allspin.sim.network.tiling import Tiles
from allspin.sim.parameters import Brief

WHITES = (1.0, 255.0)
"""Values of a white pixel among which the import chooses."""


@dataclass(frozen=True)
class ImportOptions(Brief):
    """How a network is imported.

    Parameters
    ----------
    states : int
        States of a synapse, 2 to 128.
    neuron : str or None
        Kind of hidden neurons, such as sot or relu: the device's, else sot, unless given.
    pixel_bits : int
        Bits of a pixel, 1 to 8.
    hidden_bits : int
        Bits of a hidden activation, 1 to 8.
    rah_bits : int
        Bits of an R_AH word, 2 to 8.
    noise : float or None
        Noise on the weights while `tune` trains, as a fraction of the range of R_AH.
    augmentation : Augmentation or None
        Distortion of the training images of `tune`: none, digits, gentle or objects, with amounts
        as in objects,shift=2, in pixels of an image of 28 x 28. Unless given, that of digits for
        MNIST and none for other data.
    tune : int
        Epochs of training through the machine's integers, 0 to 10,000, with the noise of the
        device's writes if a device is given.
    seed : int
        Seed of all random draws, 0 to 2**32 - 1.
    white : float or None
        Value of a white pixel in the model's input, before `mean` and `scale`: 1 or 255, whichever
        fits the training images better, unless given; 1 if `mean` or `scale` is given.
    mean : float or None
        Number that is subtracted from the model's input: 0 unless given.
    scale : float or None
        Number by which the model's input is divided: 1 unless given.
    target : TrainingTarget, optional
        Device whose levels the states have.
    tiles : Tiles, optional
        Tiles that the columns are cut into.

    Raises
    ------
    ValueError, TypeError, UserError
        If a value is outside its range, or needs another.
    """

    states: int = 10
    neuron: str | None = None
    pixel_bits: int = 4
    hidden_bits: int = 4
    rah_bits: Annotated[int, IN_RECIPE] = 8
    noise: Annotated[float | None, HIDDEN] = None
    augmentation: Annotated[Augmentation | None, AUGMENT, IN_RECIPE] = None
    tune: Annotated[int, Parameter(metavar="EPOCHS")] = 0
    seed: int = 0
    white: Annotated[float | None, IN_RECIPE] = None
    mean: float | None = None
    scale: float | None = None
    target: Annotated[TrainingTarget | None, FLAT] = None
    tiles: Annotated[Tiles | None, TILES] = None

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
