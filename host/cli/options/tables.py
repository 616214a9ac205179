"""The option of commands that print tables with more columns than a terminal has room for."""

import argparse


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how much of a table is shown."""
    parser.add_argument(
        "--wide",
        action="store_true",
        help="show all columns; where stdout is no terminal they always are, as TSV",
    )
