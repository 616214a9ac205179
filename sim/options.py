"""What a command line says of the fields of an options' class: each described once, in the class.

The commands make their arguments of it (`allspin.host.cli.options.add_options`).
"""

from typing import Any


def option(
    words: str, metavar: str | tuple[str, ...] | None = None, *, flag: str | None = None, **how: Any
) -> dict[str, Any]:
    """Metadata of a dataclass's field that is an option of a command.

    Parameters
    ----------
    words : str
        Its help.
    metavar : str or tuple of str, optional
        What its value is called; a switch has none.
    flag : str, optional
        What it is called where that is not the field's name, such as ``--program``.
    **how
        More for `argparse`: ``type`` where it is not the field's own, ``choices``, ``action``.

    Examples
    --------
    >>> option("states of a synapse, 2 to 128 (10)", "N")["how"]["metavar"]
    'N'
    """
    return {"flag": flag, "how": {"help": words, "metavar": metavar, **how}}


def listed(text: str) -> tuple[str, ...]:
    """The words of a list with commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def megahertz(text: str) -> float:
    """A frequency in MHz as Hz."""
    return 1e6 * float(text)
