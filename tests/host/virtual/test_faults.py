"""Faults of a link: those that were asked for, where they were asked for, and no others."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.host.link.transport import Transport
from tests.host.virtual.faults import (
    MOST_UNDER_WAY,
    Faults,
    FaultyTransport,
    FaultyWire,
    WireFaults,
)

FRAMES = [b"\1\2\3\4\0", b"\5\0", b"\6\7\0", b"\x08\x09\x0a\0"]
STREAM = b"".join(FRAMES)


def carry(faults, data, seed=0, cuts=()):
    """Return the rest of the bytes; and frames, flips, drops and damages counted by the wire."""
    wire = FaultyWire(faults, [seed])
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    left = b"".join(wire.carry(data[a:b]) for a, b in itertools.pairwise(edges))
    return left, (wire.frames, wire.flipped, wire.dropped, wire.damaged)


def bits_apart(one, other):
    assert len(one) == len(other)
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))


@given(
    data=st.lists(st.sampled_from([0, 0, 1, 2, 255]), max_size=60).map(bytes),
    cuts=st.lists(st.integers(0, 60), max_size=8),
    flip=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    drop=st.sets(st.integers(1, 4)),
    damage=st.sets(st.integers(5, 9)),
    seed=st.integers(0, 99),
)
def test_cuts_of_the_stream_have_no_effect(data, cuts, flip, drop, damage, seed):
    faults = WireFaults(flip, tuple(drop), tuple(damage))
    data += b"\1\0"
    whole = carry(faults, data, seed)
    assert carry(faults, data, seed, cuts) == whole
    assert carry(faults, data, seed, range(len(data))) == whole


@given(data=st.binary(max_size=200))
def test_a_wire_without_faults_is_none(data):
    assert carry(WireFaults(), data)[0] == data


@given(number=st.integers(1, 4), seed=st.integers(0, 50))
def test_one_frame_is_dropped_or_has_one_bit_wrong(number, seed):
    others = FRAMES[: number - 1], FRAMES[number:]
    left, counts = carry(WireFaults(drop=(number,)), STREAM, seed)
    assert left == b"".join([*others[0], *others[1]])
    assert counts == (4, 0, 1, 0)
    left, counts = carry(WireFaults(damage=(number,)), STREAM, seed)
    assert left.startswith(b"".join(others[0]))
    assert left.endswith(b"".join([b"\0", *others[1]]))
    assert bits_apart(left, STREAM) == 1
    assert counts == (4, 0, 0, 1)


def test_damage_is_anywhere_in_a_frame():
    first = FRAMES[0]
    lefts = [carry(WireFaults(damage=(1,)), first, seed)[0] for seed in range(400)]
    wrong = np.frombuffer(b"".join(lefts), np.uint8).reshape(400, -1) ^ np.frombuffer(
        first, np.uint8
    )
    for place in range(4):
        assert set(wrong[:, place]) == {0, *(1 << bit for bit in range(8))}
    assert not wrong[:, 4].any()


def test_empty_frames_are_not_counted():
    spaced = b"\0\0" + FRAMES[0] + b"\0" + FRAMES[1] + b"\0\0" + FRAMES[2]
    left, counts = carry(WireFaults(drop=(2,)), spaced)
    assert left == b"\0\0" + FRAMES[0] + b"\0\0\0" + FRAMES[2]
    assert counts == (3, 0, 1, 0)


def test_flips_are_as_frequent_as_asked_for_one_bit_each_and_everywhere():
    data = random.Random(1).randbytes(200_000)
    left, counts = carry(WireFaults(flip=0.01), data)
    wrong = np.frombuffer(left, np.uint8) ^ np.frombuffer(data, np.uint8)
    (places,) = np.nonzero(wrong)
    assert len(places) == counts[1]
    assert set(wrong[places]) == {1 << bit for bit in range(8)}
    # Five standard deviations of the binomial distribution.
    assert abs(len(places) - 2000) < 5 * (200_000 * 0.01 * 0.99) ** 0.5
    assert abs(np.count_nonzero(places < 100_000) - 1000) < 5 * 1000**0.5
    assert 0 in np.frombuffer(data, np.uint8)[places]  # closing zeros too
    left, _ = carry(WireFaults(flip=1.0), data)
    assert bits_apart(left, data) == len(data)


def test_seeds_name_the_faults():
    data = random.Random(2).randbytes(20_000)
    faults = WireFaults(flip=0.01)
    assert carry(faults, data, 1) == carry(faults, data, 1)
    assert carry(faults, data, 1)[0] != carry(faults, data, 2)[0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: WireFaults(flip=1.5), "flip must be a number from 0 to 1, not 1.5"),
        (lambda: WireFaults(flip=float("nan")), "flip must be a number from 0 to 1, not nan"),
        (lambda: WireFaults(drop=(0,)), "drop must be from 1 to"),
        (lambda: WireFaults(damage=(3, -1)), "damage must be from 1 to"),
        (lambda: Faults(reset_after=(0,)), "reset_after must be from 1 to"),
        (lambda: Faults(seed=-1), "seed must be from 0 to 4294967295, not -1"),
    ],
)
def test_impossible_faults_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


class Echo(Transport):
    """A board that answers each frame with the number of frames it has had, and that frame."""

    name = "an echo"

    def __init__(self, room=1 << 20):
        self.room = room
        self.got = self.begun = b""
        self.number = 0
        self.closed = False

    def exchange(self, data, timeout):
        taken = min(self.room, len(data))
        self.got += data[:taken]
        *whole, self.begun = (self.begun + data[:taken]).split(b"\0")
        received = b""
        for frame in filter(None, whole):
            self.number += 1
            received += bytes([64 + self.number % 128]) + frame + b"\0"
        return taken, received

    def close(self):
        self.closed = True


def frames(count, first=1):
    return b"".join(bytes([number, 255]) + b"\0" for number in range(first, first + count))


def drive(transport, data, cut):
    """Send all bytes, `cut` at a time, and return the bytes that came back."""
    received = b""
    while data:
        sent, more = transport.exchange(data[:cut], 0.0)
        data = data[sent:]
        received += more
    return received + b"".join(transport.exchange(b"", 0.0)[1] for _ in range(100))


def test_both_directions_have_their_own_faults():
    faults = Faults(WireFaults(drop=(2,)), WireFaults(drop=(3,)))
    transport = FaultyTransport(Echo, faults)
    received = drive(transport, frames(5), 4)
    # The second of five frames is lost, and the third of four answers, which is to number 4.
    assert received == b"A\1\xff\0B\3\xff\0D\5\xff\0"
    assert (transport.to_device.dropped, transport.to_host.dropped) == (1, 1)
    assert (transport.to_device.frames, transport.to_host.frames) == (5, 4)
    assert not transport.holds_back


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 1000])
def test_a_reset_comes_after_so_many_answers_and_finds_a_fresh_board(cut):
    boards = []

    def power_on():
        boards.append(Echo())
        return boards[-1]

    transport = FaultyTransport(power_on, Faults(reset_after=(3, 5), seed=4))
    received = drive(transport, frames(9), cut).split(b"\0")[:-1]
    assert [board.closed for board in boards] == [True, True, False]
    assert transport.resets == 2
    assert transport.board is boards[2]
    numbers = [answer[0] - 64 for answer in received]
    # Each board counts from 1; the first answers three times, the second twice.
    assert numbers[:5] == [1, 2, 3, 1, 2]
    assert numbers[5:] == list(range(1, len(numbers) - 4))
    # Every frame that was not lost is answered once, in order.
    order = [answer[1] for answer in received]
    assert order == sorted(set(order))
    assert order[:3] == [1, 2, 3]


def test_a_reset_loses_any_part_of_the_answers_under_way():
    seen = set()
    for seed in range(60):
        transport = FaultyTransport(Echo, Faults(reset_after=(2,), seed=seed))
        received = drive(transport, frames(5), 1000).split(b"\0")[:-1]
        seen.add(tuple(answer[1] for answer in received))
    assert seen == {(1, 2, 3, 4, 5), (1, 2, 4, 5), (1, 2, 5), (1, 2)}


def test_a_reset_in_the_middle_of_a_frame_keeps_its_rest_on_the_wire():
    transport = FaultyTransport(Echo, Faults())
    transport.exchange(b"\1\2\3", 0.0)
    transport.reset()
    assert drive(transport, b"\4\0", 9) == b"A\1\2\3\4\0"


def test_a_board_that_takes_little_holds_the_sender_back_and_loses_nothing():
    board = Echo(room=0)
    transport = FaultyTransport(lambda: board, Faults())
    data = random.Random(3).randbytes(5 * MOST_UNDER_WAY)
    taken = 0

    def send():
        return taken + transport.exchange(data[taken : taken + 4096], 0.0)[0]

    for _ in range(100):
        taken = send()
    assert MOST_UNDER_WAY <= taken < MOST_UNDER_WAY + 4096
    board.room = 1000
    while len(board.got) < len(data):
        taken = send()
    assert board.got == data
