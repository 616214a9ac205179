"""What a notebook shows of a score: which classes were taken for which, and its figures."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from allspin.host.study.running.showing import Shown
from allspin.sim.drawing.card import card
from allspin.sim.drawing.chart import COLOURS

if TYPE_CHECKING:
    from allspin.host.study.running.score import Score

CELL, MARGIN = 24, 18
"""Side of a cell of the picture, and room for the classes' numbers, in pixels."""
MOST_CLASSES = 16
"""With more classes than this there is no picture that could be read."""


def confusion(
    labels: npt.NDArray[np.integer], answers: npt.NDArray[np.integer]
) -> npt.NDArray[np.int64]:
    """How many images of each label (row) were answered with each class (column)."""
    classes = int(max(labels.max(), answers.max())) + 1
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, answers), 1)
    return counts


def confusion_svg(counts: npt.NDArray[np.int64]) -> str:
    """Counts as a picture: a cell for each label and class, darker the more images it has."""
    size = len(counts) * CELL + MARGIN
    drawn = []
    of_label = np.maximum(counts.sum(axis=1), 1)
    for row, column in np.argwhere(counts):
        x, y, count = column * CELL + MARGIN, row * CELL + MARGIN, counts[row, column]
        # The root shows the few errors beside the many that are right.
        shade = float(np.sqrt(count / of_label[row]))
        colour = COLOURS[2 if row == column else 1]
        drawn.append(
            f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{colour}" '
            f'fill-opacity="{0.7 * shade:.2f}"/>'
            f'<text x="{x + CELL / 2}" y="{y + 15}">{count}</text>'
        )
    for number in range(len(counts)):
        middle = number * CELL + MARGIN + CELL / 2
        drawn.append(f'<text x="{MARGIN / 2}" y="{middle + 3}">{number}</text>')
        drawn.append(f'<text x="{middle}" y="{MARGIN - 6}">{number}</text>')
    return (
        f'<svg viewBox="0 0 {size} {size}" width="{size}" role="img" '
        'aria-label="Images by label and class" fill="currentColor" text-anchor="middle" '
        f'style="max-width:100%;height:auto;font:9px sans-serif">{"".join(drawn)}</svg>'
        "<div><small>images by label (rows) and class (columns)</small></div>"
    )


def _picture(shown: Shown) -> str:
    if shown.answers is None:
        return ""
    counts = confusion(shown.labels, shown.answers.classes)
    return confusion_svg(counts) if len(counts) <= MOST_CLASSES else ""


def score_card(score: "Score") -> str:
    """The card of a score, as HTML."""
    cycles, logits, words = score.shown.cycles_per_image, score.logits, score.words
    facts = [
        ("accuracy", f"{score.accuracy:.2%}"),
        ("images", f"{score.images:,}"),
        ("machine", score.on),
        ("chip", None if score.chip is None else score.chip.title),
        ("cycles per image", None if cycles is None else f"{cycles:.1f}"),
        (
            "logits that differ",
            None if logits is None else f"{logits.mismatches:,} of {logits.compared:,}",
        ),
        (
            "R_AH words that differ",
            None if words is None else f"{words.mismatches:,} of {words.compared:,}",
        ),
        ("images/s", f"{score.images_per_second:,.0f}"),
    ]
    return card(f"Score of {score.network}", facts, *filter(None, [_picture(score.shown)]))
