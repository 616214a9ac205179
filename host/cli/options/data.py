"""The option that names a data set."""

import argparse
from pathlib import Path


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--data``."""
    parser.add_argument(
        "--data",
        metavar="DATA",
        type=Path,
        help="folder of IDX files, or .npz with x_train, y_train, x_test, y_test (MNIST, which "
        "ships)",
    )
