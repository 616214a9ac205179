"""Archive of all values that a page shows, as npz."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.arrays import npz_bytes
from allspin.host.live.flow import Flow
from allspin.host.live.page_chip import PageChip
from allspin.host.show.version import commit


def archive(
    made: PageChip,
    flow: Flow | None,
    activity: npt.NDArray[np.uint64] | None = None,
    confusion: npt.NDArray[np.int64] | None = None,
    chips: dict[int, float] | None = None,
) -> bytes:
    """Return an archive of the values that a page shows.

    Parameters
    ----------
    made : PageChip
        The chip: its words are ``words_0`` and so on.
    flow : Flow or None
        The image and its values: ``image``, ``sums_0`` and so on; all but ``logits_machine`` are
        the golden model's.
    activity : ndarray of uint64, shape (clocks,), optional
        The engine's, of that image.
    confusion : ndarray of int64, shape (classes, classes), optional
        Images by label and by answer.
    chips : dict, optional
        Accuracy of chips by their seeds.

    Returns
    -------
    bytes
        An npz; ``setting`` in it is JSON.
    """
    setting = {**asdict(made.setting), "knobs": list(made.setting.knobs.items())}
    arrays: dict[str, Any] = {"setting": np.array(json.dumps({**setting, "commit": commit()}))}
    for number, words in enumerate(made.words):
        arrays[f"words_{number}"] = words
    if flow is not None:
        arrays |= {"image": flow.image, "use": np.int64(flow.number), "logits_ideal": flow.ideal}
        arrays["logits_machine"] = flow.machine
        for number, layer in enumerate(flow.golden):
            for name in ("inputs", "sums", "currents", "activations"):
                values = getattr(layer, name)
                arrays[f"{name}_{number}"] = None if values is None else values[0]
    arrays |= {"activity": activity, "confusion": confusion}
    if chips:
        arrays["chip_seeds"] = np.array(list(chips), np.int64)
        arrays["chip_accuracies"] = np.array(list(chips.values()))
    return npz_bytes({name: array for name, array in arrays.items() if array is not None})
