"""Messages of a page: their answers, and limits of size, rate and number."""

import dataclasses
import io
import json

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

from allspin.host.live import application as serving
from allspin.host.live.flow import timeline
from allspin.host.live.page_chip import PageChip
from allspin.sim.chip.calibration import calibrate
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import SCHEMES, VERIFYING, Programming
from tests.host.live.conftest import open_page


def test_a_page_is_told_the_choices_and_no_path(page):
    said = page.hello
    assert said["networks"] == ["small", "other"]
    assert said["machines"] == ["golden", "virtual"]
    assert [knob["name"] for knob in said["knobs"]] == ["c2c", "d2d", "neuron_d2d", "neuron_c2c"]
    assert "/" not in json.dumps({**said, "schemes": []})


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("calibrated", [False, True])
def test_an_image_goes_through_the_chip_that_was_chosen(page, choices, network, scheme, calibrated):
    page.say(kind="choose", setting={"chip": 7, "scheme": scheme, "calibrate": calibrated})
    page.say(kind="show", serial=3, test=11)
    said, content = page.until("made")
    # Programmed here without the page's code, one step after another.
    chip = Chip(choices.device, 7)
    words = program(network, chip.device, chip.seed, Programming(scheme, tries=8)).words
    assert content == b"".join(layer.tobytes() for layer in words)
    assert [(layer["rows"], layer["columns"]) for layer in said["layers"]] == [(30, 12), (12, 5)]
    assert said["counts"]["cells"] == 30 * 12 + 12 * 5
    assert (said["counts"]["readsPerCell"] > 0) == (scheme in VERIFYING)
    shown, _ = page.until("shown")
    base = calibrate(chip, network)[0] if calibrated else network
    varied = GoldenModel(vary_columns(chip, base), words, ColumnNoise.of_chip(chip, network))
    image = choices.images[11:12]
    assert shown["golden"] == varied.logits(image, 11)[0].tolist()
    assert shown["ideal"] == GoldenModel(network).logits(image)[0].tolist()
    assert (shown["serial"], shown["label"], shown["machine"]) == (3, choices.labels[11], None)
    sums = np.array(shown["layers"][0]["inputs"]) @ words[0].astype(np.int64)
    assert shown["layers"][0]["sums"] == sums.tolist()


def test_a_drawing_of_a_use_has_the_noise_of_that_use(page, choices, network):
    page.say(kind="choose", setting={"chip": 1, "knobs": {"neuron_c2c": 3}})
    strokes = [[100, 100, 900, 800], [500, 200]]
    seen = []
    for serial, use in enumerate((0, 0, 5)):
        page.say(kind="show", serial=serial, strokes=strokes, use=use)
        shown, _ = page.until("shown", serial=serial)
        assert (shown["number"], shown["label"]) == (use, None)
        seen.append(shown["layers"][0]["currents"])
    assert seen[0] == seen[1] != seen[2]


def test_the_test_images_are_scored_and_chips_fill_in(page, choices, network):
    page.say(kind="choose", setting={"chip": None})
    page.say(kind="chips", count=3)
    score, pictures = page.until("score")
    classes = GoldenModel(network).classify(choices.images)
    assert score["images"] == score["of"] == 60
    assert score["correct"] == np.count_nonzero(classes == choices.labels)
    assert np.sum(score["confusion"]) == 60
    assert np.trace(score["confusion"]) == score["correct"]
    assert score["wrong"][0][0] == np.flatnonzero(classes != choices.labels)[0]
    wrong = [number for number, *_ in score["wrong"]]
    assert pictures == choices.images[wrong].tobytes()
    assert [page.until("chip")[0]["seed"] for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("{", "must be JSON"),
        ("[" * 5000, "must be JSON"),
        ("[]", "must be an object"),
        ('{"kind":"chips"}', "count must be an integer"),
        ('{"kind":"run","command":"ls"}', "kind must be one of"),
        ('{"kind":"choose","setting":{"network":"../../etc/passwd"}}', "network must be one of"),
        ('{"kind":"choose","setting":{"on":"/dev/ttyUSB0"}}', "on must be one of"),
        ('{"kind":"show","serial":1,"test":60}', "from 0 to 59"),
    ],
)
def test_a_wrong_message_is_told_and_the_page_goes_on(page, said, words):
    page.socket.send_bytes(b"\0" * 10)
    assert page.until("problem")[0]["text"] == "a message must be JSON"
    page.socket.send_text(said)
    assert words in page.until("problem")[0]["text"]
    page.say(kind="choose", setting={})
    assert page.until("made")[0]["network"] == "small"


def test_too_many_messages_end_the_connection(page):
    for _ in range(int(serving.BURSTS[0]) + 100):
        page.socket.send_text("{}")
    with pytest.raises(WebSocketDisconnect) as closed:
        page.until("no such kind")
    assert (closed.value.code, closed.value.reason) == (1008, "too many messages")


def test_a_page_says_a_burst_and_then_so_much_a_second():
    now = [0.0]
    rates = serving.Rates(lambda: now[0])
    burst, size = (int(most) for most in serving.BURSTS)
    assert sum(rates.allow(1) for _ in range(2 * burst)) == burst
    now[0] = 1.0
    assert sum(rates.allow(1) for _ in range(burst)) == serving.RATES[0]
    now[0] = 1000.0  # it holds no more than it held at first
    assert rates.allow(size)
    assert not rates.allow(1)


def test_no_more_pages_than_there_is_room_for(client, monkeypatch):
    monkeypatch.setattr(serving, "MOST_PAGES", 1)
    with open_page(client):
        with pytest.raises(WebSocketDisconnect) as closed, open_page(client):
            pass
        assert (closed.value.code, closed.value.reason) == (1013, "1 pages are open; close one")
    with open_page(client):
        pass


def test_all_values_can_be_saved(page, choices, network):
    page.say(kind="choose", setting={"chip": None})
    page.say(kind="show", serial=1, test=4)
    page.say(kind="save")
    _, content = page.until("archive")
    arrays = np.load(io.BytesIO(content), allow_pickle=False)
    [logits] = GoldenModel(network).logits(choices.images[4:5])
    np.testing.assert_array_equal(arrays["logits_ideal"], logits)
    np.testing.assert_array_equal(arrays["words_0"], network.layers[0].words)
    np.testing.assert_array_equal(arrays["image"].ravel(), choices.images[4].ravel())
    assert json.loads(str(arrays["setting"]))["chip"] is None


def test_chips_that_cannot_be_made_are_told_once(make_choices, network, serve):
    falling = dataclasses.replace(network.layers[0], levels=network.layers[0].levels[::-1])
    wrong = dataclasses.replace(network, layers=(falling, network.layers[1]))
    with open_page(serve(make_choices(networks={"small": wrong}))) as page:
        page.say(kind="choose", setting={"chip": None})
        page.say(kind="chips", count=5)
        assert "chips cannot be made" in page.until("problem")[0]["text"]
        # The page goes on, and hears no more of it.
        page.say(kind="show", serial=1, test=3)
        page.until("shown", serial=1)
        page.say(kind="choose", setting={"chip": 1})
        said, _ = page.until("problem")
        assert said["text"] == "the last level must be above the first"


def test_an_array_that_words_do_not_say_is_told(make_choices):
    device = make_choices().device
    array = HallArray(
        "buffered", hall_resistance=1.0, longitudinal=300.0, arms=300.0, input_impedance=900.0
    )
    loaded = dataclasses.replace(device, array=array)
    # Noise on sums is in units of an amplifier's input, so words and gains will not do.
    noisy = dataclasses.replace(loaded, imperfections=Imperfections(read_noise=0.1))
    for made_of, in_words in ((device, True), (noisy, False)):
        choices = make_choices(device=made_of)
        told = PageChip.of(choices, choices.setting({"chip": 1})).to_dict()
        assert [layer["inWords"] for layer in told["layers"]] == [in_words] * 2


EVENT, LAST, SUM = 1, 2, 4


def test_each_stage_has_its_cycles():
    first = [EVENT, EVENT, 0, EVENT | LAST, SUM, SUM, 0, 0]
    second = [0, 0, 0, 0, 0, EVENT, EVENT | LAST | SUM, SUM]
    activity = np.array(first, np.uint64) | np.array(second, np.uint64) << np.uint64(4)
    assert timeline(activity, 2) == {
        "clocks": 8,
        "stages": [
            {"rows": [0, 1, 3], "sums": [4, 5]},
            {"rows": [5, 6], "sums": [6, 7]},
        ],
    }
