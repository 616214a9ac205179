"""Captions of pictures for a journal: titles and notes move from the picture into LaTeX."""

import re
from itertools import cycle
from string import ascii_lowercase
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

LATEX = str.maketrans(
    {character: f"\\{character}" for character in "{}$&#_%"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"}
    | {"`": r"\textasciigrave{}", "\N{MICRO SIGN}": r"$\mu$", "\N{MINUS SIGN}": "$-$"}
    | {"\N{SUPERSCRIPT TWO}": "$^2$", "\N{PLUS-MINUS SIGN}": r"$\pm$"}
    | {"\N{RIGHTWARDS ARROW}": r"$\rightarrow$", "\N{MULTIPLICATION SIGN}": r"$\times$"}
)
"""LaTeX of each special character."""
LIGATURE = re.compile(r"([-',])(?=\1)")
"""Character of a pair that LaTeX would join into a ligature."""
FORMULA = re.compile(r"(?<!\\)(\$[^$]*\$)")
PLACES = ("left", "center", "right")
"""Places of titles above a panel."""


def latex(text: str) -> str:
    """Translate a picture's text to LaTeX; formulas stay as they are."""
    return "".join(
        part if number % 2 else LIGATURE.sub(r"\1{}", part.replace(r"\$", "$").translate(LATEX))
        for number, part in enumerate(FORMULA.split(text))
    )


def _sentence(text: str) -> str:
    """Join lines of a picture to one sentence."""
    lines = (line if line.endswith((",", ";", ":")) else f"{line}," for line in text.split("\n"))
    return latex(" ".join(lines).removesuffix(",").removesuffix(".") + ".")


def _take_texts(figure: Figure | SubFigure) -> list[str]:
    """Remove the texts at a figure's left edge, its title and notes, and return them."""
    taken = [
        words
        for words in figure.texts
        if words.get_horizontalalignment() == "left" and words.get_text()
    ]
    told = [words.get_text() for words in taken]
    for words in taken:
        words.set(text="", in_layout=False)
    return told


def _take_panel(panel: Axes | SubFigure, letter: str) -> str:
    """Replace a panel's titles by a letter, and return their text for the caption.

    A panel without titles is described by its axes.
    """
    if isinstance(panel, SubFigure):
        told = _take_texts(panel)
        panel.suptitle(
            letter, x=0.01, ha="left", fontsize="medium", fontweight="normal", in_layout=True
        )
        return f"{letter} {', '.join(told)}"
    told = [title for where in PLACES if (title := panel.get_title(where))]
    for where in PLACES:
        panel.set_title("", loc=where)
    if not letter:
        return "\n".join(told)
    panel.annotate(
        letter,
        (0, 1),
        xycoords="axes fraction",
        xytext=(-3, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
    )
    labels = (label.replace("\n", " ") for label in (panel.get_ylabel(), panel.get_xlabel()))
    named = " against ".join(label.partition(" (")[0] for label in labels if label)
    return f"{letter} {', '.join(told) or named[:1].upper() + named[1:]}"


def take_caption(figure: Figure) -> str:
    r"""Remove titles and notes from a figure, letter its panels, and return the caption.

    Small maps side by side, whose axes have no ticks, keep the numbers above them, and get no
    letters.

    Parameters
    ----------
    figure : Figure
        The picture, which is changed.

    Returns
    -------
    str
        LaTeX, such as ``Decays. (a) R$_\mathrm{AH}$ against time. (b) Residual.``
    """
    title, *notes = _take_texts(figure) or [""]
    panels: list[Any] = list(figure.subfigs) or [
        axes
        for axes in figure.axes
        if axes.get_subplotspec() and axes.axison and axes.get_xticks().size
    ]
    letters = cycle(f"({letter})" for letter in ascii_lowercase) if len(panels) > 1 else [""]
    return " ".join(
        _sentence(text) for text in (title, *map(_take_panel, panels, letters), *notes) if text
    )
