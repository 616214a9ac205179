"""How a network is trained: real numbers first, then the machine's integers."""

from collections.abc import Callable
from typing import Any

from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Dataset
from allspin.host.train.latent import LatentNetwork
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.recipe_file import provenance_of
from allspin.host.train.trainer import Progress, Trained, Trainer


def train(
    dataset: Dataset,
    parameters: TrainingParameters,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """Train a network.

    The training images bar a twelfth are learnt from; that twelfth chooses between epochs;
    the test images are used once, at the end.

    Parameters
    ----------
    dataset : Dataset
        What to learn.
    parameters : TrainingParameters
        How.
    report : callable, optional
        Called after every batch.

    Returns
    -------
    Trained

    Raises
    ------
    UserError
        If there is but one training image.
    KeyboardInterrupt
        On Ctrl-C before the first epoch with the machine's integers has ended; later, Ctrl-C
        ends the training and the best network so far is returned.
    """
    # One thread: the products are too small to share, and sums come out the same everywhere.
    with threadpool_limits(1):
        training = Trainer(dataset, parameters, report)
        interrupted = False
        try:
            teacher = training.taught()
            training.run_phase("float", parameters.float_epochs, parameters.rate, 1)
            training.network.start_quantising()
            training.cut()
            training.face_chips(teacher)
            training.run_phase("quantised", parameters.epochs, parameters.quantised_rate, 2)
        except KeyboardInterrupt:
            if training.best is None:
                raise
            interrupted = True
        return training.finish(provenance_of(parameters, dataset), interrupted)


def tune(
    dataset: Dataset,
    parameters: TrainingParameters,
    network: LatentNetwork,
    provenance: dict[str, Any],
    report: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """Train a network further that has the machine's integers already.

    Images are shared out as in `train`, but the last epoch's network is returned: the network may
    have learnt the images that would choose between epochs.

    Parameters
    ----------
    dataset : Dataset
        What to learn.
    parameters : TrainingParameters
        How; its epochs are with the machine's integers, and there are none before.
    network : LatentNetwork
        Quantised; changed in place.
    provenance : dict
        Where the network comes from.
    report : callable, optional
        Called after every batch.

    Returns
    -------
    Trained

    Raises
    ------
    UserError
        If there is but one training image.
    """
    with threadpool_limits(1):
        training = Trainer(dataset, parameters, report, network)
        training.cut()
        training.consider()
        interrupted = False
        try:
            training.run_phase("quantised", parameters.epochs, parameters.quantised_rate, 2)
        except KeyboardInterrupt:
            interrupted = True
        return training.finish(provenance, interrupted)
