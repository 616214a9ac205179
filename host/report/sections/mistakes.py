"""The images that got a wrong answer."""

import htpy as h
import numpy as np

from allspin.host.report.findings import Findings
from allspin.host.report.section import Section, paragraph
from allspin.host.report.table import Table, numbers
from allspin.sim.drawing.raster import data_address

SHOWN = 120
"""Images drawn at most."""


def _tile(findings: Findings, image: int) -> h.Element:
    grey = findings.subject.images[image]
    label, answer = findings.subject.labels[image], findings.answers[image]
    alt = f"Image {image}: label {label}, answer {answer}"
    height, width = grey.shape
    return h.figure(class_="tile")[
        h.img(src=data_address(255 - grey), alt=alt, width=width, height=height),
        h.figcaption[h.b[f"{label}"], " \N{RIGHTWARDS ARROW} ", h.i[f"{answer}"]],
    ]


def mistakes(findings: Findings) -> Section:
    """The images that got a wrong answer, with label and answer."""
    subject = findings.subject
    wrong = np.flatnonzero(findings.answers != subject.labels)
    if not len(wrong):
        return Section(
            "mistakes",
            "Wrong answers",
            paragraph(f"All {len(subject.images):,} images got the right answer."),
            [subject.command("run", "--logits", "logits.npy")],
        )
    shown = wrong[:SHOWN]
    some = "All" if len(shown) == len(wrong) else f"The first {len(shown)} of"
    rows = [
        (
            f"{image}",
            int(subject.labels[image]),
            int(findings.answers[image]),
            int(findings.logits[image, findings.answers[image]]),
            int(findings.logits[image, subject.labels[image]]),
        )
        for image in wrong
    ]
    return Section(
        "mistakes",
        "Wrong answers",
        [
            paragraph(
                f"{some} {len(wrong):,} images that got a wrong answer, as they stand in the test "
                "set. Below each: its label, and what the machine took it for."
            ),
            h.div(class_="tiles digits")[[_tile(findings, int(image)) for image in shown]],
            numbers(
                Table(
                    "the images with a wrong answer",
                    ("image", "label", "answer", "logit of the answer", "logit of the label"),
                    rows,
                )
            ),
        ],
        [subject.command("run", "--logits", "logits.npy")],
    )
