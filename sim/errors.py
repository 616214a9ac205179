"""The one exception that a command turns into a line on stderr and exit status 2."""

import contextlib
from collections.abc import Iterator


class UserError(Exception):
    """Something that the person at the keyboard can mend.

    Its message is one line that names what is wrong and what to do about it.
    """


@contextlib.contextmanager
def refused(what: str = "", advice: str = "") -> Iterator[None]:
    """Turn a `ValueError` of what a user gave into a `UserError`.

    Parameters
    ----------
    what : str
        What is wrong, before the error's own words.
    advice : str
        What to do about it, behind them.

    Raises
    ------
    UserError
        In place of a `ValueError`.
    """
    try:
        yield
    except ValueError as error:
        raise UserError(f"{what}{error}{advice}") from error
