"""The page: well-formed, whole, alone, and true; text from files stays text."""

import base64
import html
import io
import re
import shlex
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.chips.columns import COLUMNS
from allspin.host.report.page import CSS
from allspin.host.report.section import section_element
from allspin.host.report.training_sections import mistakes_section
from allspin.sim.device.device_file import load_device
from allspin.sim.network.golden import GoldenModel
from tests.command_lines import read_options
from tests.host.reader import Reader
from tests.host.report.conftest import ATTACK, FILE_ATTACK, SECTIONS, Made

NETWORK_ARGUMENTS = ("NETWORK", "NETWORKS", "--network")
"""Arguments of commands that name networks: one of them a command."""


@pytest.fixture
def page(made: Made) -> Reader:
    """The page, read by a parser that is not ours."""
    return Reader(made.text)


def test_the_page_is_well_formed(page):
    assert page.faults == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {"main", *SECTIONS} <= set(ids)
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(attributes.get(name, "").split()) <= set(ids)
    assert {anchor["href"] for anchor in page.all("a")} <= {f"#{name}" for name in ids}
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == 1


def test_no_part_comes_from_outside_and_no_script_runs(page):
    assert page.all("script") == []
    for _, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on")]
        for key in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            assert attributes.get(key, "#").startswith(("#", "data:"))
        assert "url(" not in attributes.get("style", "")
    assert not re.search(r"url\(|@import", page.text_of("style"))
    [policy] = [meta for meta in page.all("meta") if "http-equiv" in meta]
    assert policy["content"].startswith("default-src 'none'")


def test_text_from_files_is_escaped_once(made, page):
    holders = {holder for holder, text in page.texts if ATTACK in text}
    # Device, unit, source, data set, seed, phase: facts, tables and paragraphs; charts cut them.
    assert {"dd", "td", "th", "p", "figcaption"} <= holders
    assert any(text.startswith(ATTACK[:20]) for text in page.said("text"))
    assert FILE_ATTACK in page.text_of("h1")
    assert FILE_ATTACK in page.text_of("title")
    # Twice escaped would show as such; the attack itself has an entity in it.
    assert "&amp;amp;amp;" not in made.text
    alts = [image["alt"] for image in page.all("img")]
    assert len(alts) == len(set(alts))


def test_each_chart_has_its_title_and_numbers(page):
    charts = page.all("svg")
    assert len(charts) == sum("id" in figure for figure in page.all("figure")) > 8
    assert len({svg["aria-label"] for svg in charts}) == len(charts)
    assert all(svg["role"] == "img" for svg in charts)
    # Tables of an enlarged picture stand above it.
    assert len(page.all("details")) >= len(charts) - 1
    # Tables lie in boxes that scroll, and those are reachable.
    boxes = [box for box in page.all("div") if "scroll" in box.get("class", "").split()]
    assert len(boxes) == len(page.all("table"))
    assert all(box["tabindex"] == "0" and box["aria-label"] for box in boxes)


def test_charts_have_the_colours_of_the_page(made):
    drawn = "".join(re.findall("<svg.*?</svg>", made.text, re.S))
    # But for the shades of confusion, and the figures in them.
    assert set(re.findall("(?:fill|stroke): #([0-9a-f]{6})", drawn)) <= {
        "000000",
        "ffffff",
        "ffffcc",
    }
    inks = set(re.findall(r"var\((--\w+),", drawn))
    assert inks <= set(re.findall(r"(--\w+):", CSS.read_text()))


def cells(text: str, caption: str) -> list[list[str]]:
    """The body of the table with a caption, as text."""
    [body] = re.findall(
        rf"<caption><b>{caption}</b></caption><thead>.*?</thead><tbody>(.*?)</tbody>", text
    )
    return [
        re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall("<tr>(.*?)</tr>", body)
    ]


def test_figures_are_those_of_an_independent_count(made):
    answers = GoldenModel(made.network).classify(made.images)
    right = int(np.sum(answers == made.labels))
    assert f"{100 * right / len(answers):.2f} %" in made.text
    counts = np.zeros((4, 4), int)
    np.add.at(counts, (made.labels, answers), 1)
    rows = cells(made.text, r"Images by label \(rows\) and answer \(columns\)")
    assert [list(map(int, row[1:])) for row in rows] == counts.tolist()
    wrong = cells(made.text, "the images with a wrong answer")
    assert [int(row[0]) for row in wrong] == np.flatnonzero(answers != made.labels).tolist()


def test_accuracies_over_chips_are_those_of_the_library(made):
    options = read_options("report", made.arguments)
    device = load_device(made.path.parent / options["--device"])
    rows = cells(made.text, "accuracy in percent, chip by chip")
    assert [row[0] for row in rows] == ["0", "1", "2"]
    for place, column in enumerate(COLUMNS, 1):
        lot = column.lot(Lot(device, range(3)))
        shares = accuracy_over_chips(made.network, lot, (made.images, made.labels))
        assert [float(row[place]) for row in rows] == pytest.approx(100 * shares, abs=0.01)


def test_the_engine_ran_and_agreed(made):
    assert f"0 of {len(made.images) * 4:,} logits differ" in made.text
    rows = cells(made.text, "when each stage worked on each image")
    by_stage: dict[str, list[list[int]]] = {}
    for stage, *numbers in rows:
        by_stage.setdefault(stage, []).append([int(text.replace(",", "")) for text in numbers])
    assert len(by_stage) == 4
    for spans in by_stage.values():
        assert [span[0] for span in spans] == list(range(6))
        assert all(first <= last and 0 < busy <= last - first + 1 for _, first, last, busy in spans)
    # The first crossbar drives a row for each pixel that is lit (all values round to some).
    driven = [span[3] for span in by_stage["crossbar 0: rows driven"]]
    lit = ((made.images.astype(int) * 15 + 127) // 255 > 0).sum(axis=(1, 2))
    assert driven == lit[:6].tolist()


def test_boards_show_the_builds_of_this_network(made):
    rows = {row[0]: row for row in cells(made.text, "figures of the builds")}
    assert len(rows) == 4
    assert "of another network" not in made.text
    verdicts = {name: rows[name][-1] for name in ("small", "slow", "large")}
    assert verdicts == {"small": "does not fit", "slow": "misses timing", "large": "yes"}
    assert {row[-2] for row in rows.values()} == {"older"}  # no record states its gateware
    assert {"31.25", "2,300", "71.0"} <= set(rows["large"])
    # Builds that do not fit, or have no rate, are not drawn as running.
    assert [row[0] for row in cells(made.text, "images/s")][1:] == ["large, ideal, older"]
    shares = cells(made.text, "share of the logic cells")
    assert [row[1] for row in shares] == ["42.0", "71.0", "42.0", "190.0"]
    faults = {"slow, ideal, misses timing, older", "small, ideal, does not fit, older"}
    assert {row[0] for row in shares if "large" not in row[0] and "script" not in row[0]} == faults
    for fault in faults:
        assert fault in made.text.partition("No images/s are known of: ")[2].partition("</p>")[0]


def test_the_comparison_is_the_one_of_its_command(made):
    rows = cells(made.text, "A neuron's use: .*?".replace("'", "&#39;"))
    by_name = {row[0]: row[1:] for row in rows}
    # Four AND2_X1 and one INV_X1, 4 * 1.064 + 0.532 um^2.
    assert by_name["cmos-bare"][1] == "4.79"
    parts = cells(made.text, "where the energy of a use goes")
    assert {row[0] for row in parts} == set(by_name)
    assert "dense array" in made.text
    assert len(cells(made.text, "each parameter over its published range")) > 8
    assert {row[0] for row in cells(made.text, "where each number comes from")} == set(by_name)


def test_maps_hold_the_networks_words(made):
    rows = cells(made.text, "every word of the maps, line by line of the image")
    found = [
        [int(word) for other, _, line in rows if int(other) == column for word in line.split()]
        for column in range(5)
    ]
    assert found == made.network.layers[0].words.T.tolist()


def test_each_command_parses_and_is_about_the_same_files(made):
    commands = re.findall(r'<pre class="command"><code>(.*?)</code></pre>', made.text)
    assert len(commands) >= len(SECTIONS)
    for command in commands:
        spans = re.findall(r"<span>(.*?)</span>", command)
        assert not re.sub(r"<span>.*?</span>", "", command).strip()
        program, *words = shlex.split(html.unescape(" ".join(spans)))
        assert program == "allspin"
        if words[0] != "train":
            options = read_options(words[0], words[1:])
            named = [options[name] for name in NETWORK_ARGUMENTS if name in options]
            assert named in ([made.arguments[0]], [[made.arguments[0]]])


@pytest.mark.parametrize("channels", [(), (2,), (3,)], ids=str)
def test_wrong_images_are_shown_in_their_colours(channels):
    images = np.random.default_rng(1).integers(0, 256, (3, 4, 5, *channels), dtype=np.uint8)
    subject = SimpleNamespace(images=images, labels=np.arange(3), command=lambda *_: "")
    answers, logits = np.array([0, 2, 1]), np.zeros((3, 3), np.int64)
    found: Any = SimpleNamespace(subject=subject, answers=answers, logits=logits)
    drawn = re.findall(r"base64,([\w+/=]+)", str(section_element(mistakes_section(found))))
    shown = np.array([Image.open(io.BytesIO(base64.b64decode(each))) for each in drawn])
    expected = images[1:] if channels == (3,) else 255 - images[1:].reshape(2, 4, 5, -1).mean(3)
    np.testing.assert_allclose(shown, expected, atol=1)
