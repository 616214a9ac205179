"""A report from a network's name to its page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allspin.host.data.files import check_writable
from allspin.host.report.findings import find
from allspin.host.report.markup import render
from allspin.host.report.page import page, sections
from allspin.host.report.section import section
from allspin.host.report.subject import Subject
from allspin.host.show.display import Display, Silent
from allspin.host.show.revision import commit
from allspin.sim.network.netfile import write_atomically
from allspin.sim.network.network import Network


@dataclass(frozen=True, eq=False)
class Report:
    """A page that has been written.

    Attributes
    ----------
    path : Path
        Where it is.
    subject : Subject
        What it is about.
    bytes : int
        Its size.
    sections : dict of str to int
        Sizes of its sections in bytes, by name, in the order of the page.
    """

    path: Path
    subject: Subject
    bytes: int
    sections: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """As ``allspin report --json`` prints it; see ``docs/formats.md``."""
        return {
            "path": str(self.path),
            "bytes": self.bytes,
            "sections": self.sections,
            "network": self.subject.name,
            "device": self.subject.device_name,
            "chips": self.subject.chips,
            "images": len(self.subject.images),
            "commit": commit(),
        }


def report(
    subject: Subject | str | Path | Network,
    path: str | Path = "report.html",
    *,
    display: Display | None = None,
) -> Report:
    """Write one HTML page of what a network is, does and costs.

    Parameters
    ----------
    subject : Subject, str, Path or Network
        What it is about (`allspin.host.report.subject.Subject.open`); or a network, its file, or
        the name of one that ships, on chips of the paper's devices.
    path : str or Path
        The page.
    display : Display, optional
        Shows the steps.

    Raises
    ------
    UserError
        If there is no such network, or the page cannot be written.
    """
    subject = subject if isinstance(subject, Subject) else Subject.open(subject)
    path = Path(path)
    check_writable(path)
    display = display or Silent()
    findings = find(subject, display)
    display.start("writing the page")
    parts = sections(findings)
    content = page(findings, parts).encode()
    write_atomically(path, content)
    display.finish(f"{len(content) / 1000:,.0f} kB in {path}")
    sizes = {one.name: len(render(section(one)).encode()) for one in parts}
    return Report(path, subject, len(content), sizes)
