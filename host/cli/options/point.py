"""The option that says at which operating point a device is taken."""

import argparse


def add_point_argument(parser: argparse.ArgumentParser, condition: str = "") -> None:
    """Declare the option.

    Parameters
    ----------
    parser : ArgumentParser
        The command's.
    condition : str
        What it needs, for its help.
    """
    parser.add_argument(
        "--at",
        metavar="POINT",
        help=f"{condition}operating point of the device, such as current=9mA,temperature=350 (its "
        "file's own)",
    )
