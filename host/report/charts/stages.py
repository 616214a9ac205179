"""Which image each stage of the engine works on, over the clocks."""

from collections.abc import Sequence
from dataclasses import dataclass

import htpy as h

from allspin.host.report.charts.svg import GLYPH, LINE, Draw, box, label, line, tick_label
from allspin.host.show.pictures.timeline import Span, runs
from allspin.sim.drawing.scale import Scale, linear_ticks

HEIGHT = 30
GAP = 12


@dataclass(frozen=True)
class Stage:
    """A stage.

    Parameters
    ----------
    label : str
        What it is, and what it takes.
    spans : sequence of Span
        When it worked on which image.
    """

    label: str
    spans: Sequence[Span]


def stages_chart(stages: Sequence[Stage]) -> Draw:
    """Draw stages, each below its label; images alternate between two looks.

    Parameters
    ----------
    stages : sequence of Stage
        At least one, and one of them with a span.
    """
    start = min(span.first for stage in stages for span in stage.spans)
    end = max(span.last for stage in stages for span in stage.spans) + 1

    def draw(width: int) -> tuple[float, h.Node]:
        scale = Scale(0, end - start, 0, width - 4)
        back: list[h.Node] = []
        front: list[h.Node] = []
        y = 4.0
        for stage in stages:
            front.append(label(0, y + 12, stage.label, "strong"))
            y += LINE + 3
            for span in stage.spans:
                odd = span.image % 2
                x, past = scale(span.first - start), scale(span.last + 1 - start)
                back.append(box(x, y, past - x, HEIGHT, f"held s{odd}"))
                for first, length in _joined(span, scale):
                    front.append(
                        box(scale(first - start), y, scale(length), HEIGHT * 0.5, f"busy s{odd}")
                    )
                name = f"image {span.image}"
                if past - x < GLYPH * len(name):
                    name = f"{span.image}"
                if past - x >= GLYPH * len(name):
                    front.append(label((x + past) / 2, y + HEIGHT - 3, name, "small", "middle"))
                else:
                    front.append(label(past + 2, y + HEIGHT - 3, name, "small"))
            y += HEIGHT + GAP
        for tick in linear_ticks(0, end - start, 9 if width > 500 else 5):
            back.insert(0, line(scale(tick), 4, scale(tick), y, "grid"))
            front.append(tick_label(scale(tick), y + 16, tick, width))
        front.append(line(0, y, width, y, "axis-line"))
        front.append(label(width, y + 34, "clock", "axis", "end"))
        return y + 40, [back, front]

    return draw


def _joined(span: Span, scale: Scale) -> list[tuple[int, int]]:
    """Runs of busy clocks; those less than half a pixel apart are drawn as one."""
    joined: list[tuple[int, int]] = []
    for first, length in runs(span.busy):
        if joined and scale(first) - scale(sum(joined[-1])) < 0.5:
            joined[-1] = (joined[-1][0], first + length - joined[-1][0])
        else:
            joined.append((first, length))
    return joined
