"""Tables and bars: Rich, without its readings of the text that it is given."""

from typing import Any

from rich.console import Console
from rich.progress import Task, TextColumn
from rich.text import Text

from allspin.host.show.say import printable


def _encodable(text: str, encoding: str) -> str:
    """A text with escapes for what an encoding lacks, made before columns get their widths."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("±", "+-").encode(encoding, "backslashreplace").decode(encoding)
    return text


class Terminal(Console):
    """Prints text as it is: brackets are no markup, and control characters are escaped.

    Parameters
    ----------
    **options
        Of Rich's console.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Every text that is printed, alone or in a table, comes through here."""
        return super().render_str(_encodable(printable(text), self.encoding), **options)

    def on_broken_pipe(self) -> None:
        """Raise what Rich caught: `allspin.host.cli.main` knows what to do about it."""
        self.quiet = True
        raise


class Words(TextColumn):
    """What a bar says beside itself; a format in which ``task`` is what the bar is of."""

    def __init__(self, text_format: str) -> None:
        super().__init__(text_format, markup=False)

    def render(self, task: Task) -> Text:
        """The words of now."""
        return Text(printable(super().render(task).plain))
