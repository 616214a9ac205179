"""How a network of another tool is brought to the machine."""

import dataclasses
from dataclasses import dataclass

from allspin.host.data.foreign.description import InputScaling
from allspin.host.training.recipe.parameters import MAX_EPOCHS, TrainingParameters
from allspin.host.training.recipe.training_target import TrainingTarget
from allspin.sim.network.levels import check_range
from allspin.sim.network.tiling import Tiles

WHITES = (1.0, 255.0)
"""What a white pixel may be worth where nothing says it."""


@dataclass(frozen=True)
class ImportOptions:
    """How a network is imported.

    Parameters
    ----------
    states, neuron, pixel_bits, hidden_bits, rah_bits, noise, seed, target, tiles
        As `allspin.host.training.recipe.parameters.TrainingParameters` has them.
    tune : int
        Epochs of training through the machine's integers, 0 to 10,000.
    white : float or None
        What a white pixel is worth in the model's input, before `mean` and `scale`. None: 1; where
        neither `mean` nor `scale` is given, 1 or 255, whichever gives the higher accuracy.
    mean, scale : float or None
        Taken off the model's input, and divided by; 0 and 1 by default.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    states: int = 10
    neuron: str | None = None
    pixel_bits: int = 4
    hidden_bits: int = 4
    rah_bits: int = 8
    noise: float | None = None
    tune: int = 0
    seed: int = 0
    white: float | None = None
    mean: float | None = None
    scale: float | None = None
    target: TrainingTarget | None = None
    tiles: Tiles | None = None

    def __post_init__(self) -> None:
        check_range("tune", self.tune, 0, MAX_EPOCHS)
        self.training((1,))
        for scaling in self.scalings:
            assert scaling

    def training(self, hidden: tuple[int, ...]) -> TrainingParameters:
        """The same for training, with the hidden layers of a network."""
        shared = {field.name for field in dataclasses.fields(TrainingParameters)}
        own = {field.name for field in dataclasses.fields(self)}
        values = {name: getattr(self, name) for name in own & shared}
        return TrainingParameters(hidden=hidden or (1,), epochs=max(self.tune, 1), **values)

    @property
    def scalings(self) -> tuple[InputScaling, ...]:
        """What may become of grey levels before they enter the model; the best one is taken."""
        mean, scale = self.mean or 0.0, 1.0 if self.scale is None else self.scale
        if self.white is not None:
            whites: tuple[float, ...] = (self.white,)
        else:
            whites = WHITES if self.mean is None and self.scale is None else WHITES[:1]
        return tuple(InputScaling(white, mean, scale) for white in whites)
