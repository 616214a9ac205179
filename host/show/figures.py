"""A table of figures: in each row what it is, and the figure."""

from collections.abc import Iterable
from typing import Literal

from rich.table import Table


def figures_table(
    title: str, rows: Iterable[tuple[str, str]], justify: Literal["left", "right"] = "right"
) -> Table:
    """A table of names and figures.

    Parameters
    ----------
    title : str
        Above it.
    rows : iterable of (str, str)
        Each one's name and figure.
    justify : str
        Where figures stand in their column.
    """
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
