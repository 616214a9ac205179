"""The page's files: nothing from elsewhere, and of the types they say."""

import json
import re
import subprocess

import numpy as np
import pytest

from allspin.host.live.choices import Choices
from allspin.host.live.serve import PAGE
from allspin.host.live.shown import Made, drawn_image
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.network import random_images, random_network

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
    made = Made.of(choices, choices.usual())
    (trace, _), plan = made.golden.trace(random_images(network, 3, 1)), made.to_dict()["layers"]
    assert plan[1]["kernels"] is None
    script = (
        f"import({json.dumps((PAGE / 'time/replay.js').as_uri())}).then(({{under, places}}) => {{"
        f"const plan = {json.dumps(plan[0])}, values = {json.dumps(trace.inputs[2].tolist())};"
        "const [down, across] = places(plan);"
        "const all = Array.from({length: down * across}, (_, each) => under(plan, values, each));"
        "console.log(JSON.stringify(all)); })"
    )
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    expected = kind.unrolled(trace.inputs[2:], network.layers[0].rows)
    assert np.array_equal(json.loads(done.stdout), expected)


def test_a_drawing_for_colours_is_grey():
    image = drawn_image([[100, 100, 900, 700]], (12, 20, 3))
    assert image.shape == (12, 20, 3)
    assert np.array_equal(
        image, np.repeat(drawn_image([[100, 100, 900, 700]], (12, 20))[..., None], 3, 2)
    )
