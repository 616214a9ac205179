"""The self-test of a simulated board, right and with faults."""

from dataclasses import replace

import numpy as np
import pytest

from allspin.hdl.parameters.memory_map import (
    CONVERTER,
    SHIFT,
    TABLE,
    WEIGHTS,
)
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import virtual_program
from allspin.host.machines.programmer import CHIPS
from allspin.host.machines.resident import ResidentImages
from allspin.host.selftest.checks import check_parts, selftest
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.network.random_network import random_images
from tests.host.selftest.identities import NETWORK

RESIDENT = ResidentParameters(beats=300, images=40)
PLAIN = [
    "identity",
    "R_AH words, layer 0",
    "neuron's table, layer 0",
    "V-I converters, layer 0",
    "V-I shift, layer 0",
    "R_AH words, layer 1",
    "images",
    "counters",
    "resident images",
    "chip",
]
BITS = {
    "R_AH words, layer 0": (WEIGHTS, 5),
    "neuron's table, layer 0": (TABLE, 200),
    "V-I converters, layer 0": (CONVERTER, 7),
    "V-I shift, layer 0": (SHIFT, 0),
    "R_AH words, layer 1": (1 << 4 | WEIGHTS, 11),
}
"""A line of each memory."""


@pytest.fixture(scope="module")
def program():
    profile = HardwareProfile(variation=CHIPS, resident=RESIDENT)
    return virtual_program(NETWORK, profile)


@pytest.fixture
def open_board(program):
    machines = []

    def opened(kind=LinkedMachine, **arguments):
        machines.append(kind(VirtualTransport(program), **arguments))
        return machines[-1]

    yield opened
    for machine in machines:
        machine.close()


class StuckBit(LinkedMachine):
    """A board with a memory in which a bit of one line is always 0."""

    def __init__(self, transport, space, line):
        super().__init__(transport)
        self._stuck = space, line

    def read_back(self, space, address, count, line_bytes):
        content = bytearray(super().read_back(space, address, count, line_bytes))
        if space == self._stuck[0]:
            content[(self._stuck[1] - address) * line_bytes] &= ~1
        return bytes(content)


class Miscounting(ResidentImages):
    """Resident images that count one too many as right."""

    def run(self, *, first=0):
        counts = super().run(first=first)
        return replace(counts, correct=counts.correct + 1)


class WrongAnswers(LinkedMachine):
    """A board whose images or counters are wrong by one."""

    def __init__(self, transport, part):
        super().__init__(transport)
        self._part = part
        self._streams = 0

    def stream(self, images, *more, **others):
        answers = super().stream(images, *more, **others)
        self._streams += 1
        if self._part == "classes":
            return replace(answers, classes=answers.classes ^ (np.arange(len(images)) == 99))
        if self._part == "images" or (self._part == "chip" and self._streams > 2):
            answers.logits[57, 3] += 1
        return answers

    def counters(self):
        found = super().counters()
        return replace(found, rows=(found.rows[0], found.rows[1] + (self._part == "counters")))

    def resident_images(self):
        wrong = self._part == "resident images"
        return Miscounting(self) if wrong else super().resident_images()


def test_a_right_board(open_board, seen):
    machine = open_board()
    findings = list(selftest(machine, NETWORK, progress=seen))
    names = [finding.name for finding in findings]
    assert names == [*PLAIN[:6], "image memory", "label memory", *PLAIN[6:]]
    assert all(finding.right for finding in findings), findings
    assert seen.lines[::2] == [f"checking {name}" for name in names[1:]]
    texts = {finding.name: finding.text for finding in findings[8:]}
    assert texts["images"] == "100 images, 600 logits as the golden model's"
    assert texts["chip"].startswith("seed 1, words made by the gateware; 100 images")
    # It is left as the ideal network.
    np.testing.assert_array_equal(machine.read_words(0), NETWORK.layers[0].words)


@pytest.mark.parametrize("name", BITS)
def test_a_stuck_bit_is_found_where_it_is(open_board, name):
    space, line = BITS[name]
    machine = open_board(StuckBit, space=space, line=line)
    wrong = [each for each in selftest(machine, NETWORK) if each.right is False]
    assert wrong[0].name == name
    assert f"the first: line {line}, byte 0 is 0x" in wrong[0].text
    # A crossbar's words are compared again, of the chip.
    assert {each.name for each in wrong[1:]} <= {"chip"}


@pytest.mark.parametrize(
    ("part", "name"),
    [(name, name) for name in ("images", "counters", "resident images", "chip")]
    + [("classes", "images")],
)
def test_wrong_answers(open_board, part, name):
    machine = open_board(WrongAnswers, part=part)
    wrong = [each.name for each in selftest(machine, NETWORK) if each.right is False]
    assert wrong[0] == name


@pytest.mark.parametrize(
    ("part", "wrong"), [("images", "chip"), ("resident images", "resident images"), ("", None)]
)
def test_parts_beside_the_crossbars(open_board, part, wrong):
    machine = open_board(WrongAnswers, part=part)
    machine.load(NETWORK)
    found = check_parts(machine, NETWORK, random_images(NETWORK, 60, 3))
    rights = {each.name: each.right for each in found}
    assert rights == {name: name != wrong for name in ("resident images", "chip")}


def test_a_plain_board_has_no_images_and_gets_chips_from_the_host():
    with LinkedMachine(VirtualTransport(virtual_program(NETWORK))) as machine:
        found = {each.name: each for each in selftest(machine, NETWORK)}
        assert not [*check_parts(machine, NETWORK, random_images(NETWORK, 1, 3))]
    assert list(found) == PLAIN
    assert found["resident images"].right is None
    assert found["chip"].right
    assert "words sent by the host: the gateware has no Programmer" in found["chip"].text


@pytest.mark.long
def test_a_board_that_keeps_states_makes_no_chips():
    profile = HardwareProfile(states=True)
    program = virtual_program(NETWORK, profile)
    with LinkedMachine(VirtualTransport(program)) as machine:
        found = {each.name: each for each in selftest(machine, NETWORK)}
    assert found["chip"].right is None
    assert "10 states from -126 in steps of 28, which are not" in found["chip"].text
    assert all(
        each.right for name, each in found.items() if name not in ("chip", "resident images")
    )
