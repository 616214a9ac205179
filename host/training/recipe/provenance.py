"""What a network's file says of its training."""

from typing import Any

from allspin.host.data.datasets import Dataset
from allspin.host.training.recipe.parameters import (
    DEFAULT_AUGMENTATION,
    RATE,
    TrainingParameters,
)

RECIPE = 1
"""Version of the recipe: it changes when the same options give another network."""
UNSAID = {"augment": DEFAULT_AUGMENTATION, "rate": RATE}
"""Options that a network's file leaves out where they have these values."""


def provenance_of(parameters: TrainingParameters, dataset: Dataset) -> dict[str, Any]:
    """What a network's file says of its training: all that differs from `UNSAID`, and more."""
    options = parameters.options(dataset)
    unsaid = UNSAID | ({"batch": options["batch"]} if parameters.batch is None else {})
    return {
        "command": "train",
        "recipe": RECIPE,
        "options": {
            name: value
            for name, value in options.items()
            if name not in unsaid or value != unsaid[name]
        },
    }
