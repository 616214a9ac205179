"""What is wrong with a parameter, said of the option that it came from."""

import contextlib
from collections.abc import Iterator

from allspin.sim.errors import UserError


@contextlib.contextmanager
def naming_options() -> Iterator[None]:
    """Turn a `ValueError` whose first word is a parameter into a line on its option.

    ``rows_per_clock must be ...`` becomes ``--rows-per-clock must be ...``.

    Raises
    ------
    UserError
        In place of a `ValueError`.
    """
    try:
        yield
    except ValueError as error:
        name, space, rest = str(error).partition(" ")
        raise UserError(f"--{name.replace('_', '-')}{space}{rest}") from error
