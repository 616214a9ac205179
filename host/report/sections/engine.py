"""The engine at work: its stages over the clocks."""

from allspin.host.link.machines.opening import VIRTUAL
from allspin.host.report.charts.stages import Stage, stages_chart
from allspin.host.report.charts.svg import Chart, figure
from allspin.host.report.findings import EngineFindings, Findings
from allspin.host.report.section import TO_HAVE_IT, Section, facts, paragraph
from allspin.host.report.table import Table
from allspin.host.show.pictures.timeline import EVENT, LAST_EVENT, LAST_SUM, SUM, stage_spans
from allspin.host.study.running.traced_run import TRACED_IMAGES


def stages(engine: EngineFindings, layers: int) -> list[Stage]:
    """Stages of the engine that worked, in the order in which an image passes them."""
    found = []
    for layer in range(layers):
        last = layer == layers - 1
        for name, taken, end in (
            (f"crossbar {layer}: rows driven", EVENT, LAST_EVENT),
            ("readout: logits" if last else f"neurons {layer}: column sums", SUM, LAST_SUM),
        ):
            spans = stage_spans(engine.run.activity, layer, taken, end)[:TRACED_IMAGES]
            if spans:
                found.append(Stage(name, spans))
    return found


def engine(findings: Findings) -> Section:
    """What the simulated gateware did, clock by clock."""
    subject = findings.subject
    command = subject.command("run", "--on", VIRTUAL, "--check")
    found = findings.engine
    if isinstance(found, str):
        return Section(
            "engine",
            "The engine at work",
            paragraph(f"The gateware was not run for this page: {found}"),
            [command],
            TO_HAVE_IT,
        )
    drawn = stages(found, len(subject.network.layers))
    start = min(span.first for stage in drawn for span in stage.spans)
    clocks = max(span.last for stage in drawn for span in stage.spans) + 1 - start
    rows = [
        (stage.label, span.image, span.first - start, span.last - start, len(span.busy))
        for stage in drawn
        for span in stage.spans
    ]
    images = len(drawn[-1].spans)
    return Section(
        "engine",
        "The engine at work",
        [
            facts(
                {
                    "Cycles per image": f"{found.cycles_per_image:.1f}",
                    "Slowest stage alone": f"{found.bound:.1f} clocks",
                    "Against golden model": f"{found.mismatches:,} of {found.logits:,} logits "
                    "differ",
                    "Simulated here": f"{found.images / found.run.seconds:,.0f} images/s",
                }
            ),
            figure(
                Chart(
                    "engine-timeline",
                    f"The stages overlap: {images} images in {clocks:,} clocks",
                    f"{len(drawn)} stages over {clocks:,} clocks. While a later stage works on an "
                    "image, the earlier ones work on the next.",
                    stages_chart(drawn),
                ),
                [
                    Table(
                        "when each stage worked on each image",
                        (
                            "stage",
                            "image",
                            "first clock",
                            "last clock",
                            "clocks in which it took something",
                        ),
                        rows,
                    )
                ],
                "Solid: clocks in which something is taken. Pale: from an image's first to its "
                "last. Even and odd images have different shades, and their numbers.",
            ),
        ],
        [command],
    )
