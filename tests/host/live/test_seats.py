"""Machines of a page: the virtual board, and a board that is held, unplugged and found again."""

import asyncio
import contextlib
import dataclasses
import json
import os
import threading
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.link.transport import Disconnected
from allspin.host.live import chair, visit
from allspin.host.live.page_chip import PageChip
from allspin.host.live.serve import LiveServer, Place
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import virtual_program
from allspin.host.machines.programmer import CHIPS
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_network
from tests.host.live.conftest import open_page
from tests.host.machines.work import GENERAL, WIDEST
from tests.processes import PATIENCE


def golden_logits(choices, chosen, number):
    made = PageChip.of(choices, choices.setting(chosen))
    return made.golden.logits(choices.images[number][np.newaxis], number)[0].tolist()


@pytest.mark.long
@pytest.mark.parametrize(
    "chosen", [{"chip": 7}, {"chip": None}, {"chip": 7, "scheme": "write-verify"}]
)
def test_the_virtual_board_gives_the_golden_model_s_answers(choices, client, chosen):
    chosen = {"on": "virtual", **chosen}
    with open_page(client) as page:
        page.say(kind="choose", setting=chosen)
        page.say(kind="show", serial=1, test=9)
        assert "virtual board" in page.until("machine", state="ready")[0]["text"]
        shown = page.until("shown", on="virtual")[0]
        assert shown["machine"] == shown["golden"] == golden_logits(choices, chosen, 9)
        assert shown["mismatches"] == 0
        activity, _ = page.until("timeline")
        for number, (layer, stage) in enumerate(
            zip(shown["layers"], activity["stages"], strict=True)
        ):
            # A hidden layer's last neuron ends the image, also where it drives no row.
            ending = number > 0 and layer["inputs"][-1] == 0
            assert len(stage["rows"]) == np.count_nonzero(layer["inputs"]) + ending
            assert len(stage["sums"]) == len(layer["sums"])
            assert stage["rows"][-1] < stage["sums"][0] < activity["clocks"]
        score, _ = page.until("score", images=60, on="virtual")
        assert (score["compared"], score["mismatches"]) == (300, 0)
        assert score["words"] is None
        words, _ = page.until("score", words=[30 * 12 + 12 * 5, 0])
        assert words["compared"] == 300


@pytest.mark.long
def test_an_ability_that_gateware_lacks_is_told_and_the_golden_model_serves(make_choices, serve):
    device = make_choices().device
    noisy = dataclasses.replace(device, imperfections=Imperfections(read_noise=50))
    with open_page(serve(make_choices(device=noisy))) as page:
        page.say(kind="choose", setting={"on": "virtual"})
        assert "more read noise" in page.until("machine", state="failed")[0]["text"]
        page.say(kind="show", serial=1, test=3)
        assert page.until("shown", on="golden")[0]["machine"] is None


@pytest.mark.long
def test_noise_of_sums_is_the_golden_models_and_can_be_turned_down(make_choices, serve):
    wrong = Imperfections(read_noise=0.5, amplifier_gain=0.03, amplifier_offset=0.5)
    choices = make_choices(device=dataclasses.replace(make_choices().device, imperfections=wrong))
    seen = []
    with open_page(serve(choices)) as page:
        for serial, factor in enumerate((1.0, 0.0), 1):
            knobs = dict.fromkeys(("read_noise", "amplifier_gain", "amplifier_offset"), factor)
            chosen = {"on": "virtual", "chip": 3, "knobs": knobs}
            page.say(kind="choose", setting=chosen)
            page.say(kind="show", serial=serial, test=9)
            page.until("machine", state="ready")
            shown, _ = page.until("shown", on="virtual", serial=serial)
            assert shown["machine"] == golden_logits(choices, chosen, 9)
            seen.append(shown["machine"])
    assert seen[0] != seen[1]


@pytest.fixture
def compiling(monkeypatch):
    """Start a compilation that waits until it is released."""
    compiles, begun, released, done = chair.virtual_program, *(threading.Event() for _ in "123")

    def slowly(network, profile, progress):
        progress("compiling the gateware", 12.0)
        begun.set()
        while not released.wait(0.01):
            progress("compiling the gateware", 13.0)
        program = compiles(network, profile, progress=progress)
        assert not done.is_set()  # it is compiled once
        done.set()
        return program

    monkeypatch.setattr(chair, "virtual_program", slowly)
    yield begun, released, done
    released.set()


def test_the_golden_model_serves_while_the_virtual_board_compiles(client, compiling):
    _, released, _ = compiling
    with open_page(client) as page, open_page(client) as other:
        for each in (page, other):
            each.say(kind="choose", setting={"on": "virtual"})
            each.say(kind="show", serial=1, test=3)
            each.until("machine", state="compiling")
            assert each.until("shown", on="golden")[0]["serial"] == 1
        released.set()
        for each in (page, other):
            assert each.until("shown", on="virtual")[0]["serial"] == 1


def test_a_compilation_goes_on_when_its_page_closes(client, compiling):
    begun, released, done = compiling
    with open_page(client) as page:
        page.say(kind="choose", setting={"on": "virtual"})
        assert begun.wait(PATIENCE)
    released.set()
    assert done.wait(PATIENCE)


def test_a_server_ends_while_a_virtual_board_compiles(choices, compiling):
    begun, released, _ = compiling
    server = LiveServer(choices, Place(port=0))
    thread = threading.Thread(target=server.run)
    thread.start()
    address = server.link.replace("http", "ws", 1) + "socket"
    with connect(address, origin=Origin(server.link.rsplit("/", 2)[0])) as page:
        page.send(json.dumps({"kind": "choose", "setting": {"on": "virtual"}}))
        assert begun.wait(PATIENCE)
        server.stop()
        thread.join(PATIENCE / 2)
    assert not released.is_set()
    assert not thread.is_alive()


@pytest.fixture(params=["its own", pytest.param("any network's", marks=pytest.mark.long)])
def board(bridged, network, request):
    """Open a serial port with a board for the network, or for any up to larger sizes."""
    if request.param == "its own":
        return bridged(virtual_program(network, HardwareProfile(variation=CHIPS)))
    return bridged(virtual_program(random_network(WIDEST, 0), GENERAL))


def test_a_board_is_held_by_one_page_and_the_other_is_told(make_choices, serve, board, monkeypatch):
    monkeypatch.setattr(chair, "AGAIN", 0.05)
    choices = make_choices(on="board", port=board)
    client = serve(choices)
    with open_page(client) as other:
        with open_page(client) as page:
            page.say(kind="choose", setting={})
            page.say(kind="show", serial=1, test=5)
            page.until("machine", state="ready")
            shown = page.until("shown", on="board")[0]
            assert shown["machine"] == golden_logits(choices, {}, 5)
            other.say(kind="choose", setting={"chip": 4})
            assert board in other.until("machine", state="missing")[0]["text"]
            other.say(kind="show", serial=1, test=5)
            assert other.until("shown", on="golden")[0]["machine"] is None
        # It is let go of when its page is closed.
        other.until("machine", state="ready")
        assert other.until("shown", on="board")[0]["machine"] == golden_logits(
            choices, {"chip": 4}, 5
        )


def test_a_board_that_is_unplugged_is_told_and_found_again(
    make_choices, serve, bridged, network, monkeypatch, tmp_path
):
    monkeypatch.setattr(chair, "AGAIN", 0.05)
    link = tmp_path / "port"
    choices = make_choices(on="board", port=str(link))
    program = virtual_program(network, HardwareProfile(variation=CHIPS))
    with open_page(serve(choices)) as page:
        page.say(kind="choose", setting={})
        assert str(link) in page.until("machine", state="missing")[0]["text"]
        page.say(kind="show", serial=1, test=5)
        assert page.until("shown", on="golden")[0]["machine"] is None
        os.symlink(bridged(program), link)
        page.until("machine", state="ready")
        assert page.until("shown", on="board")[0]["machine"] == golden_logits(choices, {}, 5)


def test_a_board_that_refuses_a_chip_is_not_asked_without_a_pause(network, monkeypatch):
    """Refuse each chip, as a machine for ideal networks does."""
    opened: list[int] = []
    nothing: Any = None

    class Refusing:
        def program(self, made):
            raise UserError("no such chip")

        def close(self):
            pass

    async def open_it(_):
        opened.append(1)
        return Refusing()

    monkeypatch.setattr(chair.Seat, "program", Refusing.program)
    monkeypatch.setattr(chair.Chair, "_opened", open_it)
    told = []

    async def page():
        async def tell(state, text, _):
            told.append((state, text))

        woken = asyncio.Event()
        own = chair.Chair(nothing, tell, woken.set)
        await own.sit("board", network)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.4):
                while True:
                    await woken.wait()
                    woken.clear()
                    await own.program(nothing)
        own.leave()

    asyncio.run(page())
    assert told == [("missing", "no such chip")]
    assert len(opened) == 1


def test_gateware_and_words_that_differ_are_told(client, monkeypatch):
    stream, read = LinkedMachine.stream, LinkedMachine.read_rows

    def streamed(self, *given, **named):
        answers = stream(self, *given, **named)
        answers.logits[:, 2] += 1
        return answers

    def words(self, *given):
        found = read(self, *given).copy()
        found[0, 0] ^= 1
        return found

    monkeypatch.setattr(LinkedMachine, "stream", streamed)
    monkeypatch.setattr(LinkedMachine, "read_rows", words)
    with open_page(client) as page:
        page.say(kind="choose", setting={"on": "virtual"})
        page.say(kind="show", serial=1, test=9)
        shown, _ = page.until("shown", on="virtual")
        assert shown["mismatches"] == 1
        assert shown["machine"][2] == shown["golden"][2] + 1
        # The first word of each part that is read is wrong, in each crossbar.
        score, _ = page.until("score", words=[30 * 12 + 12 * 5, 2])
        assert (score["compared"], score["mismatches"]) == (300, 60)


def test_a_board_that_is_unplugged_while_idle_is_told(make_choices, serve, board, monkeypatch):
    monkeypatch.setattr(chair, "AGAIN", 0.05)
    monkeypatch.setattr(visit, "LOOK", 0.05)
    choices = make_choices(on="board", port=board)
    looked = []

    def gone(self):
        looked.append(self)
        if len(looked) == 3:
            raise Disconnected("the serial port is gone")

    monkeypatch.setattr(LinkedMachine, "counters", gone)
    with open_page(serve(choices)) as page:
        page.say(kind="choose", setting={})
        page.until("machine", state="ready")
        page.until("score", words=[30 * 12 + 12 * 5, 0])
        assert page.until("machine", state="missing")[0]["text"] == "the serial port is gone"
        page.until("machine", state="ready")
