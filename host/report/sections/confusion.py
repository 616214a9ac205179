"""Confusion: which class is taken for which."""

import htpy as h
import numpy as np
import numpy.typing as npt

from allspin.host.report.charts.bars import Bar, bars_chart
from allspin.host.report.charts.svg import Chart, figure
from allspin.host.report.findings import Findings
from allspin.host.report.section import Section, paragraph
from allspin.host.report.table import Table

FITTING = 10
"""Classes whose matrix fits a phone."""
WORST_SHOWN = 5
"""Pairs of classes that the text names."""


def confusion_counts(findings: Findings) -> npt.NDArray[np.int64]:
    """Images of each class (rows) that got each answer (columns)."""
    classes = findings.subject.network.classes
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (findings.subject.labels, findings.answers), 1)
    return counts


def _matrix(counts: npt.NDArray[np.int64]) -> h.Element:
    """The matrix as a table whose cells are shaded by how often an answer was wrong."""
    off = counts.astype(np.float64)
    np.fill_diagonal(off, 0)
    most = np.sqrt(max(1.0, off.max()))

    def cell(row: int, column: int) -> h.Element:
        count = int(counts[row, column])
        if row == column:
            return h.td(class_="right")[count]
        if not count:
            return h.td(class_="none")["·"]
        share = np.sqrt(count) / most
        return h.td(class_="wrong", style=f"--share: {share:.2f}")[count]

    classes = range(len(counts))
    head = h.tr[h.td, [h.th(scope="col")[column] for column in classes]]
    rows = [
        h.tr[h.th(scope="row")[row], [cell(row, column) for column in classes]] for row in classes
    ]
    kind = "matrix fits" if len(counts) <= FITTING else "matrix"
    title = "Images by label (rows) and answer (columns)"
    return h.div(class_="scroll whole", role="region", aria_label=title, tabindex=0)[
        h.table(class_=kind)[h.caption[title], h.thead[head], h.tbody[rows]]
    ]


def confusion(findings: Findings) -> Section:
    """Which class is taken for which, and how well each does."""
    counts = confusion_counts(findings)
    totals = counts.sum(axis=1)
    wrong = int(counts.sum() - np.trace(counts))
    pairs = sorted(
        (
            (int(counts[row, column]), row, column)
            for row, column in np.argwhere(counts)
            if row != column
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )[:WORST_SHOWN]
    named = ", ".join(f"{row} for {column} ({count})" for count, row, column in pairs)
    some = [label for label in range(len(counts)) if totals[label]]
    shares = [100 * (1 - counts[label, label] / totals[label]) for label in some]
    bars = [
        Bar(f"{label}", [share], f"{share:.1f} %")
        for label, share in zip(some, shares, strict=True)
    ]
    worst = some[int(np.argmax(shares))]
    said = f"{wrong:,} of {len(findings.answers):,} images got a wrong answer."
    if len(pairs) > 1:
        said += f" Most often the machine took {named}."
    return Section(
        "confusion",
        "Confusion",
        [
            paragraph(said),
            _matrix(counts),
            h.p(class_="note")[
                "Bold: right answers. Shaded: wrong ones, the stronger the more there are."
            ],
            figure(
                Chart(
                    "confusion-classes",
                    "Wrong answers, class by class",
                    f"A bar for each of {len(some)} classes; the longest is class {worst} "
                    f"with {max(shares):.1f} percent.",
                    bars_chart(bars, "images of the class with a wrong answer (%)"),
                ),
                [
                    Table(
                        "wrong answers, class by class",
                        ("class", "images", "wrong", "wrong (%)"),
                        [
                            (
                                f"{label}",
                                int(totals[label]),
                                int(totals[label] - counts[label, label]),
                                float(share),
                            )
                            for label, share in zip(some, shares, strict=True)
                        ],
                    )
                ],
            ),
        ],
        [findings.subject.command("run", "--logits", "logits.npy")],
    )
