"""A small network with its images, the choices of a page, and a page that sends messages."""

import contextlib
import dataclasses
import itertools
import json
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from allspin.host.data.catalogue import open_device
from allspin.host.learn.parameters import LearnParameters, LearnRule
from allspin.host.live.access import Access
from allspin.host.live.application import application
from allspin.host.live.choices import Choices
from allspin.host.live.learning import Learning
from allspin.host.train.target import TrainingTarget
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images, random_network
from tests.processes import PATIENCE

TOKEN, PORT = "a-token", 8000
HOST = f"127.0.0.1:{PORT}"
ORIGIN = "http:" + f"//{HOST}"
# The shape that other tests compile a virtual board for.
NETWORK = dataclasses.replace(random_network((30, 12, 5), 4), image_shape=(5, 6))
OTHER = dataclasses.replace(random_network((30, 12, 5), 5, states=100), image_shape=(5, 6))
IMAGES = random_images(NETWORK, 60, 6)
LABELS = np.arange(60) % 5


@pytest.fixture
def network() -> Network:
    return NETWORK


@pytest.fixture
def make_choices() -> Callable[..., Choices]:
    """Return the choices of two small networks; values of `Choices` may be changed."""

    def make(**changes: Any) -> Choices:
        device = changes.get("device", open_device("paper"))
        usual = Choices(
            {"small": NETWORK, "other": OTHER}, "small", "golden", None, device, IMAGES, LABELS
        )
        return dataclasses.replace(usual, **changes)

    return make


@pytest.fixture
def choices(make_choices) -> Choices:
    return make_choices()


class Page:
    """Page's end of its WebSocket; it keeps messages that no test has asked for yet."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self._kept: list[tuple[dict[str, Any], bytes]] = []
        self._ear = ThreadPoolExecutor(1)
        self.hello: dict[str, Any] = {}

    def say(self, **said: Any) -> None:
        self.socket.send_text(json.dumps(said))

    def _hear(self) -> tuple[dict[str, Any], bytes]:
        """Return the next message: its object, and the bytes that belong to it."""
        message = self._ear.submit(self.socket.receive).result(PATIENCE)
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(message["code"], message.get("reason"))
        if (text := message.get("text")) is not None:
            return json.loads(text), b""
        content = message["bytes"]
        (length,) = struct.unpack_from("<I", content)
        return json.loads(content[4 : 4 + length]), content[4 + length :]

    def until(self, kind: str, **values: Any) -> tuple[dict[str, Any], bytes]:
        """Return the first message of a kind with some values that no test has asked for yet."""
        wanted = {"kind": kind, **values}.items()
        for place in itertools.count():
            if place == len(self._kept):
                self._kept.append(self._hear())
            if all(self._kept[place][0].get(name) == value for name, value in wanted):
                return self._kept.pop(place)
        raise AssertionError


@pytest.fixture
def serve() -> Callable[..., TestClient]:
    """Serve some choices, and a learning if given."""
    return lambda *served: TestClient(
        application(served[0], Access(TOKEN, PORT), *served[1:]), base_url=ORIGIN
    )


@pytest.fixture
def client(choices, serve) -> TestClient:
    return serve(choices)


@contextlib.contextmanager
def open_page(client: TestClient, place: str = "socket", first: str = "hello") -> Iterator[Page]:
    """Open a page at a server by its link, and read the first message."""
    address = f"/{TOKEN}/{place}"
    with client.websocket_connect(address, headers={"host": HOST, "origin": ORIGIN}) as socket:
        page = Page(socket)
        page.hello, _ = page.until(first)
        yield page


def learn_parameters(**options: Any) -> LearnParameters:
    """Return the parameters of a small learning on the paper's device."""
    given = {"hidden": (12,), "batch": 8, **options}
    rule = LearnRule(given.pop("update", "equal"))
    return LearnParameters(target=TrainingTarget(open_device("paper")), rule=rule, **given)


@pytest.fixture
def learn(idx_folder: Callable[..., Path]) -> Iterator[Callable[..., Learning]]:
    """Make learnings of small images; they end with the test."""
    data, made = idx_folder(shape=(8, 8), classes=4, train=400, test=80), []

    def begin(**options: Any) -> Learning:
        parameters = learn_parameters(**options)
        made.append(Learning(data, parameters, partial(Choices.open, data=data)))
        return made[-1]

    yield begin
    for each in made:
        each.wanted = None


@pytest.fixture
def page(client) -> Iterator[Page]:
    with open_page(client) as opened:
        yield opened
