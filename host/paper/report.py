"""The report of all chapters: verdicts, Markdown, HTML and CSV files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import htpy as h
from markupsafe import Markup

from allspin.host.draw.html import html_table, render
from allspin.host.paper.chapter import Chapter, ChapterPicture, ChapterTable, chapter_table
from allspin.host.paper.claims import Claim
from allspin.host.show.result import Result
from allspin.host.show.table import Table, TableColumn
from allspin.host.show.table_files import csv_bytes, markdown
from allspin.sim.files import write_atomically

TITLE = "The paper, figure by figure"
SOURCE = (
    'Z. Cao, S. Zhang, J. Hou, W. Duan, L. You, "All-Spin Artificial Neural Network Based on '
    'Spin-Orbit Torque-Induced Magnetization Switching", IEEE Transactions on Electron Devices, '
    "2023, doi 10.1109/TED.2023.3327031."
)
NOT_DRAWN = (
    "Fig. 1b, R_AH against H_z of the synapse: only the coercive field (37 Oe) is in the text; "
    "there is no model of the hysteresis.",
    "Fig. 4b, R_AH against H_z of the neuron: only the coercive field (about 30 Oe) is in the "
    "text.",
    "Fig. 1c, R_AH against current of the synapse: the text has no model of the loop.",
    "Figs. 1a, 4a, 6a, 6b are drawings of devices and circuit.",
)
CSS = """\
body { font: 15px/1.5 "DejaVu Sans", sans-serif; color: #222; max-width: 64em; margin: 2em auto;
  padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px; }
caption { text-align: left; padding: .3em 0; }
th, td { border-bottom: 1px solid #ddd; padding: .3em .7em; text-align: left;
  vertical-align: top; }
tbody th { font-weight: normal; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
img { max-width: 100%; }
figure { margin: 1.5em 0; } figcaption { color: #555; }
"""


@dataclass(frozen=True, eq=False)
class PaperReport(Result):
    """Report of the paper's claims.

    Attributes
    ----------
    chapters : sequence of Chapter
        Chapters in order.
    facts : sequence of str
        Lines about the computation: effort, data, time and commit.
    folder : Path
        Folder of the report.
    """

    chapters: Sequence[Chapter]
    facts: Sequence[str]
    folder: Path

    @property
    def claims(self) -> list[Claim]:
        """All claims, in order."""
        return [claim for chapter in self.chapters for claim in chapter.claims]

    @property
    def pictures(self) -> list[ChapterPicture]:
        """All pictures, in order."""
        return [picture for chapter in self.chapters for picture in chapter.pictures]

    def verdicts(self) -> Table:
        """Return the table of verdicts, with a line between two claims in a terminal."""
        rows = []
        for claim in self.claims:
            verdict = claim.verdict.value
            rows.append((claim.claim, claim.paper, claim.outcome, verdict, claim.reason))
        columns = (
            TableColumn("claim"),
            TableColumn("paper"),
            TableColumn("ours", wide=True),
            TableColumn("verdict"),
            TableColumn("reason", wide=True),
        )
        return Table("Verdicts", columns, rows, rules=range(1, len(rows)))

    def readings(self) -> ChapterTable:
        """Return every reading of every claim, one a row."""
        rows = []
        for claim in self.claims:
            for reading in claim.readings:
                agrees = "yes" if reading.agrees else "no"
                assumption = "yes" if reading.assumption else "no"
                rows.append((claim.claim, reading.name, reading.outcome, agrees, assumption))
        heads = ("claim", "reading", "outcome", "agrees", "is an assumption")
        return chapter_table("readings", "Readings", heads, rows)

    def tables(self) -> list[Table]:
        """Return the verdicts, and the tables of the last chapter."""
        return [self.verdicts(), *(each.table for each in self.chapters[-1].tables)]

    def notes(self) -> list[str]:
        """Return the path of the page."""
        return [f"the report is {self.folder / 'paper.html'}"]

    def to_dict(self) -> dict[str, Any]:
        """Return the verdicts as a record."""
        return {claim.claim: claim.verdict.value for claim in self.claims}

    def write(self) -> None:
        """Write all tables as CSV, and the report as Markdown and HTML.

        Raises
        ------
        UserError
            If a file cannot be written.
        """
        tables = [picture.numbers for picture in self.pictures]
        for chapter in self.chapters:
            tables += chapter.tables
        tables += [ChapterTable("verdicts", self.verdicts()), self.readings()]
        for each in tables:
            write_atomically(self.folder / f"{each.name}.csv", csv_bytes(each.table))
        write_atomically(self.folder / "paper.md", self.to_markdown().encode())
        write_atomically(self.folder / "paper.html", self.to_html().encode())

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        parts = [f"# {TITLE}", SOURCE, "\n".join(f"- {fact}" for fact in self.facts)]
        parts += ["## Verdicts", markdown(self.verdicts()).rstrip()]
        for chapter in self.chapters:
            parts += [f"## {chapter.title}", *chapter.text]
            for each in chapter.tables:
                parts.append(f"**{each.table.title}** ([{each.name}.csv]({each.name}.csv))")
                parts.append(markdown(each.table).rstrip())
            for picture in chapter.pictures:
                name = picture.numbers.name
                parts.append(f"![{picture.caption}]({name}.png)")
                parts.append(f"{picture.caption} ([SVG]({name}.svg), [numbers]({name}.csv))")
        parts += ["## Not drawn", "\n".join(f"- {reason}" for reason in NOT_DRAWN)]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """Return the report as one page; its pictures are the SVG files beside it."""
        page = h.html(lang="en")[
            h.head[h.meta(charset="utf-8"), h.title[TITLE], h.style[Markup(CSS)]],
            h.body[
                h.h1[TITLE],
                h.p[SOURCE],
                h.ul[[h.li[fact] for fact in self.facts]],
                html_table(self.verdicts()),
                [_chapter_element(chapter) for chapter in self.chapters],
                h.h2["Not drawn"],
                h.ul[[h.li[reason] for reason in NOT_DRAWN]],
            ],
        ]
        return f"{render(page)}\n"


def _chapter_element(chapter: Chapter) -> h.Node:
    parts: list[h.Node] = [h.h2[chapter.title]]
    parts += [h.p[text] for text in chapter.text]
    for each in chapter.tables:
        parts.append(html_table(each.table))
        parts.append(h.p[h.a(href=f"{each.name}.csv")[f"{each.name}.csv"]])
    for picture in chapter.pictures:
        name = picture.numbers.name
        caption = h.figcaption[picture.caption, " ", h.a(href=f"{name}.csv")["numbers"]]
        parts.append(h.figure[h.img(src=f"{name}.svg", alt=picture.caption), caption])
    return h.fragment[parts]
