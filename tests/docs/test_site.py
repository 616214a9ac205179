"""Code that makes the documentation site from the documents: links, flow charts, packages."""

import importlib
import re
import xml.etree.ElementTree as ElementTree

import pytest

import allspin
from tests.docs.documents import DOCS, ROOT, blocks, read

CHARTS = blocks(read("architecture.md"), "mermaid")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch):
    """Import a module of docs/site, which is no package."""
    monkeypatch.syspath_prepend(DOCS / "site")
    return importlib.import_module


@pytest.mark.parametrize(
    ("text", "folder", "page", "made"),
    [
        ("[a](lab.md#the-device)", "docs", "docs", "[a](lab.md#the-device)"),
        ("[a](docs/lab.md), [b](#x)", "", "docs", "[a](lab.md), [b](#x)"),
        ("[c](CHANGELOG.md)", "", "docs", "[c](changes.md)"),
        ("[c](../../README.md)", "docs/decisions", "docs/decisions", "[c](../index.md)"),
        ("[`tests/`](../tests) and on", "docs", "docs", "`tests/` and on"),
        ("[a\nb](LICENSE)", "", "docs", "[a\nb](../LICENSE)"),
        ("[w](mailto:x)", "docs", "docs", "[w](mailto:x)"),
        ("![p](docs/pictures/sweep.png)", "", "docs", "![p](pictures/sweep.png)"),
    ],
)
def test_links_lead_to_the_site_s_pages(site, text, folder, page, made):
    assert site("relinked").relinked(text, ROOT / folder, ROOT / page, DOCS) == made


@pytest.mark.parametrize("text", CHARTS, ids=lambda text: text.split()[2].split("[")[0])
def test_a_flow_chart_has_its_boxes_apart_and_all_arrows(site, text):
    chart = site("layout").parse(text)
    drawn = ElementTree.fromstring(site("picture").svg(chart, 1))
    boxes = [
        [float(rect.attrib[name]) for name in ("x", "y", "width", "height")]
        for rect in drawn.iter("rect")
    ]
    assert sorted(each.text or "" for each in drawn.iter("text")) == sorted(chart.labels.values())
    _, _, width, height = map(float, drawn.attrib["viewBox"].split())
    for number, (x, y, across, down) in enumerate(boxes):
        assert 0 <= x <= x + across <= width
        assert 0 <= y <= y + down <= height
        for u, v, more, below in boxes[:number]:
            apart = x + across <= u or u + more <= x or y + down <= v or v + below <= y
            assert apart
    ways = [way.attrib["d"] for way in drawn.iter("path") if way.attrib["class"] == "arrow"]
    assert len(ways) == text.count("-->")


def test_the_reference_has_every_public_name():
    text = read("api.md")
    named = re.findall(r"^\.\. auto(?:class|function):: allspin\.(\w+)$", text, re.MULTILINE)
    assert sorted(named) == sorted(allspin.__all__)
