"""What ``allspin train`` chose and reached, as tables and plain values."""

from pathlib import Path
from typing import Any

from allspin.host.show.printing import print_tables
from allspin.host.show.table import Number, figures
from allspin.host.training.in_array.learn import Learnt
from allspin.host.training.trainer import Trained


def _tiles(options: dict[str, Any]) -> str:
    return f"{options['tile_rows']} rows to {options['adc_bits']} bits"


def chosen(options: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What was chosen, as the table has it."""
    return (
        ("augmentation", options["augment"]),
        ("learning rate", f"{options['rate']:g}"),
        ("images in a batch", f"{options['batch']:,}"),
        ("epochs", f"{options['epochs']:,}"),
        *((("tiles", _tiles(options)),) if "tile_rows" in options else ()),
        ("seed", f"{options['seed']}"),
    )


def accuracies(trained: Trained | Learnt) -> dict[str, float | None]:
    """Accuracies by name; None of what there is not."""
    by_pulses = isinstance(trained, Learnt)
    return {
        "validation_accuracy": None if by_pulses else trained.validation_accuracy,
        "array_accuracy": trained.array_accuracy if by_pulses else None,
        "test_accuracy": trained.test_accuracy,
    }


def over_chips(trained: Trained | Learnt) -> dict[str, Any]:
    """What chips reach on the validation images, if the network was trained for them."""
    chips = trained.chips if isinstance(trained, Trained) else []
    return {"validation_chips": [each.to_dict() for each in chips]} if chips else {}


def print_trained(
    trained: Trained | Learnt, options: dict[str, Any], seconds: float, path: Path
) -> None:
    """Print what was trained, how, and how good it is."""
    rows = (
        ("topology", "-".join(map(str, trained.network.topology))),
        *chosen(options),
        *(
            (name.replace("_", " "), Number(100 * share, ".2f"), "%")
            for name, share in accuracies(trained).items()
            if share is not None
        ),
        *(
            (
                f"{what} of {len(each.accuracies)} chips, {each.occasion.title}",
                Number(100 * share, ".2f"),
                "%",
            )
            for each in (trained.chips if isinstance(trained, Trained) else ())
            for what, share in (("mean", each.mean), ("worst", each.worst))
        ),
        ("time", seconds, "s"),
    )
    print_tables([figures("Trained network", rows)], [f"the network is in {path}"])
