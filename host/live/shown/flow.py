"""Every value of one image on its way through a chip."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.live.shown.made import Made
from allspin.sim.network.golden import LayerTrace


@dataclass(frozen=True, eq=False)
class Flow:
    """An image's values.

    Attributes
    ----------
    image : ndarray of uint8, shape (height, width)
        Grey levels.
    number : int
        Which use of the neurons it is: their C2C is drawn for it.
    label : int or None
        Its class, where it is a test image.
    golden : list of LayerTrace
        Of the golden model, layer by layer, each of one image.
    ideal : ndarray of int64, shape (classes,)
        Logits of the ideal chip, by the golden model.
    machine : ndarray of int64, shape (classes,), or None
        Logits of the machine; None where the golden model is the machine.
    """

    image: npt.NDArray[np.uint8]
    number: int
    label: int | None
    golden: list[LayerTrace]
    ideal: npt.NDArray[np.int64]
    machine: npt.NDArray[np.int64] | None

    @classmethod
    def of(
        cls,
        made: Made,
        image: npt.NDArray[np.uint8],
        number: int,
        label: int | None,
        machine: npt.NDArray[np.int64] | None,
    ) -> "Flow":
        """Compute what the golden model has to say of an image.

        Parameters
        ----------
        made : Made
            The chip.
        image, number, label, machine
            As of the class.
        """
        batch = image[np.newaxis]
        golden = made.golden.trace(batch, number)
        ideal = golden[-1].sums if made.chip is None else made.ideal.logits(batch, number)
        return cls(image, number, label, golden, ideal[0], machine)

    @property
    def logits(self) -> npt.NDArray[np.int64]:
        """The golden model's, shape (classes,)."""
        return self.golden[-1].sums[0]

    @property
    def mismatches(self) -> int:
        """Logits of the machine that are not the golden model's."""
        return 0 if self.machine is None else int(np.count_nonzero(self.machine != self.logits))

    def to_dict(self) -> dict[str, Any]:
        """What a page is told."""
        return {
            "image": self.image.ravel().tolist(),
            "label": self.label,
            "number": self.number,
            "layers": [
                {
                    "inputs": one.inputs[0].tolist(),
                    "sums": one.sums[0].tolist(),
                    "currents": None if one.currents is None else one.currents[0].tolist(),
                    "activations": None if one.activations is None else one.activations[0].tolist(),
                }
                for one in self.golden
            ],
            "golden": self.logits.tolist(),
            "ideal": self.ideal.tolist(),
            "machine": None if self.machine is None else self.machine.tolist(),
        }
