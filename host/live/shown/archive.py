"""All values that a page shows, as an npz archive."""

import io
import json
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.live.shown.flow import Flow
from allspin.host.live.shown.made import Made
from allspin.host.show.revision import commit


def archive(
    made: Made,
    flow: Flow | None,
    activity: npt.NDArray[np.uint64] | None = None,
    confusion: npt.NDArray[np.int64] | None = None,
    chips: dict[int, float] | None = None,
) -> bytes:
    """Put what is shown into an archive.

    Parameters
    ----------
    made : Made
        The chip: its words are ``words_0`` and so on.
    flow : Flow or None
        The image and its values: ``image``, ``sums_0`` and so on; all but ``logits_machine`` are
        the golden model's.
    activity : ndarray of uint64, shape (clocks,), optional
        The engine's, of that image.
    confusion : ndarray of int64, shape (classes, classes), optional
        Images by label and by what they were taken for.
    chips : dict, optional
        Accuracy of chips by their seeds.

    Returns
    -------
    bytes
        An npz; ``setting`` in it is JSON.
    """
    arrays: dict[str, Any] = {
        "setting": np.array(json.dumps({**asdict(made.setting), "commit": commit()}))
    }
    for number, words in enumerate(made.words):
        arrays[f"words_{number}"] = words
    if flow is not None:
        arrays |= {"image": flow.image, "use": np.int64(flow.number), "logits_ideal": flow.ideal}
        for number, layer in enumerate(flow.golden):
            for name in ("inputs", "sums", "currents", "activations"):
                if (values := getattr(layer, name)) is not None:
                    arrays[f"{name}_{number}"] = values[0]
        if flow.machine is not None:
            arrays["logits_machine"] = flow.machine
    if activity is not None:
        arrays["activity"] = activity
    if confusion is not None:
        arrays["confusion"] = confusion
    if chips:
        arrays["chip_seeds"] = np.array(list(chips), np.int64)
        arrays["chip_accuracies"] = np.array(list(chips.values()))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
