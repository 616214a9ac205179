"""Captions of pictures for a journal: titles and notes leave the picture, and become LaTeX."""

import re
from string import ascii_lowercase
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

LATEX = str.maketrans(
    {character: f"\\{character}" for character in "{}$&#_%"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"}
    | {"-": "-{}", "'": "'{}", "`": "`{}", "\N{MICRO SIGN}": r"$\mu$", "\N{MINUS SIGN}": "$-$"}
    | {"\N{SUPERSCRIPT TWO}": "$^2$", "\N{PLUS-MINUS SIGN}": r"$\pm$"}
    | {"\N{RIGHTWARDS ARROW}": r"$\rightarrow$", "\N{MULTIPLICATION SIGN}": r"$\times$"}
)
"""What says each character in LaTeX; no two of them become one, as two hyphens would."""
FORMULA = re.compile(r"(?<!\\)(\$[^$]*\$)")
UNIT = re.compile(r"\s*\([^()]*\)$")


def latex(text: str) -> str:
    """A text of a picture in LaTeX: formulas as they are, and of all else what it says."""
    return "".join(
        part if number % 2 else part.replace(r"\$", "$").translate(LATEX)
        for number, part in enumerate(FORMULA.split(text))
    )


def _sentence(text: str) -> str:
    """Lines of a picture as one sentence."""
    lines = (line if line.endswith((",", ";", ":")) else f"{line}," for line in text.split("\n"))
    said = " ".join(lines).removesuffix(",")
    return latex(said if said.endswith(".") else f"{said}.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _take_texts(figure: Figure | SubFigure) -> list[str]:
    """Take the texts at a figure's left edge out of it: its title, and notes below it."""
    taken = [words for words in figure.texts if words.get_ha() == "left" and words.get_text()]
    told = [words.get_text() for words in taken]
    for words in taken:
        words.set_text("")
        words.set_in_layout(False)
    return told


def _take_titles(axes: Axes) -> list[str]:
    """Take a panel's titles out of it."""
    places = ("left", "center", "right")
    told = [title for where in places if (title := axes.get_title(where))]
    for where in places:
        axes.set_title("", loc=where)
    return told


def _take_panel(panel: Axes | SubFigure, letter: str) -> list[str]:
    """Take a panel's titles out of it, for a letter; without any, tell what its axes are."""
    if isinstance(panel, SubFigure):
        told = _take_texts(panel)
        panel.suptitle(letter, x=0.01, ha="left", fontsize="medium", fontweight="normal")
        return told
    corner: Any = {"xycoords": "axes fraction", "textcoords": "offset points"}
    panel.annotate(letter, (0, 1), xytext=(-3, 3), ha="right", va="bottom", **corner)
    labels = (panel.get_ylabel(), panel.get_xlabel())
    labels = [UNIT.sub("", label.replace("\n", " ")) for label in labels if label]
    return _take_titles(panel) or [" against ".join(labels)]


def take_caption(figure: Figure) -> str:
    r"""Take titles and notes out of a figure, letter its panels, and tell all in a caption.

    Small maps side by side, whose axes have no labels, keep the numbers above them, and have no
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
        if axes.get_subplotspec() and (axes.get_xlabel() or axes.get_ylabel())
    ]
    told = []
    if len(panels) == 1:
        notes = [*_take_titles(panels[0]), *notes]
        panels = []
    for number, panel in enumerate(panels):
        letter = f"({ascii_lowercase[number % 26] * (number // 26 + 1)})"
        told.append(f"{letter} {_capital(', '.join(_take_panel(panel, letter)))}")
    told = [*filter(None, [title]), *told, *map(_capital, notes)]
    return " ".join(map(_sentence, told))
