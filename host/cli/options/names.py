"""What is wrong with a parameter, said of the option that it came from."""

import contextlib
import re
from collections.abc import Iterator, Mapping

from allspin.sim.errors import UserError


@contextlib.contextmanager
def naming_options() -> Iterator[None]:
    """Turn a `ValueError` whose first word is a parameter into a line on that parameter.

    Raises
    ------
    UserError
        In place of a `ValueError`, with the parameter's name as `in_options` knows it.
    """
    try:
        yield
    except ValueError as error:
        name, space, rest = str(error).partition(" ")
        raise UserError(f"`{name.strip('`')}`{space}{rest}") from error


@contextlib.contextmanager
def naming_known_options() -> Iterator[None]:
    """The same where some errors begin with other words than a parameter: these stay as they are.

    Raises
    ------
    UserError
        In place of a `ValueError` or `TypeError`; a parameter that "must be" something is named.
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        raise UserError(re.sub(r"^(\w+) must ", r"`\1` must ", str(error))) from error


def in_options(message: str, options: Mapping[str, str]) -> str:
    """A message of the library, with a command's options in place of parameters.

    Parameters
    ----------
    message : str
        ```rows_per_clock` must be ...``, with each parameter between backticks.
    options : mapping
        Of the command: parameters' names and their options, such as ``--rows-per-clock``.
    """
    return re.sub(r"`(\w+)`", lambda match: options.get(match[1], match[0]), message)
