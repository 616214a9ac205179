"""The comparison with CMOS neurons, as plain data for the page."""

from typing import Any

from allspin.host.data.datasets import load_test_set
from allspin.host.report.subject import Subject
from allspin.host.show.display import Display
from allspin.host.study.compare.comparison import compare
from allspin.host.study.compare.subject import Subject as Compared
from allspin.host.study.cutting import calibration_images
from allspin.sim.cost.liberty import CELLS_45, load_library
from allspin.sim.errors import UserError
from allspin.sim.network.tiling import tiles_of


def compared(subject: Subject, display: Display) -> dict[str, Any] | str:
    """Compare a network's neurons as ``allspin compare`` does by default.

    Parameters
    ----------
    subject : Subject
        What the report is about.
    display : Display
        Told of the step.

    Returns
    -------
    dict or str
        What `allspin.host.study.compare.comparison.compare` returns, or why there is no comparison.
    """
    # All test images, however many the rest of the page takes: so the command says the same.
    images, labels = load_test_set(subject.data)
    display.start("comparing with CMOS neurons")
    try:
        library, network = load_library(CELLS_45), subject.network
        chosen = calibration_images(network, subject.data) if any(tiles_of(network)) else None
        whole = Compared(subject.name, network, subject.device, library, images, labels, chosen)
        found = compare(whole, display=display).to_dict()
    except UserError as error:
        display.finish(str(error))
        return str(error)
    display.finish(f"{len(found['neurons'])} neurons")
    return found
