"""The page's files: all from this host, and of the right types."""

import json
import re
import subprocess

import numpy as np
import pytest

from allspin.host.live.application import PAGE
from allspin.host.live.choices import Choices
from allspin.host.live.drawing import drawn_image
from allspin.host.live.page_chip import PageChip
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.random_network import random_images, random_network

OURS = [
    path
    for path in sorted(PAGE.rglob("*"))
    if path.suffix in (".css", ".html", ".js") and "vendor" not in path.parts
]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_no_file_asks_for_anything_from_elsewhere(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"\bhttps?:|\b(src|href)=[\"']?data:|url\(|@import|\beval\(|innerHTML", text
    )


@pytest.mark.tool("tsc", "node")
def test_the_modules_have_the_types_that_they_say():
    done = subprocess.run(
        ["tsc", "-p", str(PAGE / "tsconfig.json")], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.tool("node")
def test_the_page_lays_kernels_where_the_golden_model_does(make_choices):
    kind = Convolution((7, 6, 2), (3, 2), (2, 1), (1, 0, 2, 1), 2)
    network = random_network((84, 4, 5), 7, kinds=(kind,), image_shape=(7, 6, 2))
    choices: Choices = make_choices(networks={"small": network})
    made = PageChip.of(choices, choices.usual())
    images, layer = random_images(network, 3, 1), made.network.layers[0]
    images[2, :4] = 0
    trace, _ = made.golden.trace(images[2:])
    plan = made.to_dict()["layers"]
    assert plan[1]["kernels"] is None
    driven = kind.im2col(trace.inputs, layer.rows)
    events = np.maximum(1, np.count_nonzero(driven, axis=1))
    assert (np.count_nonzero(driven, axis=1) == 0).any()
    assert trace.currents is not None
    assert trace.activations is not None
    shown = {"inputs": trace.inputs[0], "sums": trace.sums[0], "currents": trace.currents[0]}
    shown |= {"activations": trace.activations[0]}
    shown = {name: values.tolist() for name, values in shown.items()}
    # An event a clock, and a position's sums in one clock when it has ended.
    stage = {"rows": list(range(events.sum())), "sums": np.repeat(events.cumsum(), 4).tolist()}
    script = (
        f"import({json.dumps((PAGE / 'time/replay.js').as_uri())}).then(({{order, stateAt}}) => {{"
        f"const made = {json.dumps({'layers': plan[:1]})};"
        f"const shown = {json.dumps({'layers': [shown]})};"
        f"const words = [{layer.words.ravel().tolist()}], time = {json.dumps({'stages': [stage]})};"
        "const at = (cycle, place) => stateAt(made, words, shown, cycle === null ? null : time,"
        " cycle, [place])[0];"
        f"console.log(JSON.stringify([Array.from({{length: {kind.positions}}}, (_, place) =>"
        f" at(null, place)), Array.from({{length: {events.sum()}}}, (_, cycle) => at(cycle, 0)),"
        " order(made, shown)]));"
        "})"
    )
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    resting, working, order = json.loads(done.stdout)
    assert np.array_equal([each["inputs"] for each in resting], driven)
    assert np.array_equal([each["sums"] for each in resting], trace.sums.reshape(-1, 4))
    places = np.repeat(np.arange(kind.positions), events)
    assert [each["position"] for each in working] == places.tolist()
    for cycle, (each, place) in enumerate(zip(working, places, strict=True)):
        rows = np.flatnonzero(driven[place])[: cycle + 1 - events[:place].sum()]
        assert each["driven"] == rows.tolist()
        assert each["current"] == (rows[-1] if rows.size else None)
        sums = driven[place, rows].astype(int) @ layer.words[rows].astype(int)
        assert each["sums"] == sums.tolist()
        assert (each["uses"], each["taken"]) == (4 * place, 0)
    # A model without a clock has one step for each event, and then one for each sum.
    (steps,) = order["stages"]
    assert steps["rows"] == [n + 4 * place for n, place in enumerate(places.tolist())]
    assert sorted(steps["rows"] + steps["sums"]) == list(range(order["clocks"]))


def test_a_drawing_for_colours_is_grey():
    image = drawn_image([[100, 100, 900, 700]], (12, 20, 3))
    assert image.shape == (12, 20, 3)
    assert np.array_equal(
        image, np.repeat(drawn_image([[100, 100, 900, 700]], (12, 20))[..., None], 3, 2)
    )
