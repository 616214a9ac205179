"""Drivers, monitors and scoreboards of streams detect every fault that they are made for."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Out
from cocotb.types import Logic

from allspin.hdl.bench.scoreboard import Scoreboard
from allspin.hdl.bench.simulator import BenchFailure, simulate
from allspin.hdl.bench.streams import Stalls, level
from allspin.hdl.stream.component import Component
from tests.hdl.streams import StreamBench

BENCH = Path(__file__).with_name("bench_drivers.py")

QUEUE = """
// A queue of one number, which on request breaks one rule of streams.
module top(
  input clk, input rst, input [2:0] fault,
  input [7:0] i__payload, input i__valid, output i__ready,
  output [7:0] o__payload, output o__valid, input o__ready
);
  reg full = 0, odd = 0;
  reg [7:0] number = 0;
  wire take = i__valid && i__ready, give = o__valid && o__ready;
  wire seventh = number % 7 == 6;
  assign i__ready = fault != 6 && !full || give && !(fault == 4 && seventh && odd);
  assign o__valid = full && !(fault == 2 && odd) && !(fault == 5 && number == 199);
  assign o__payload = fault == 1 && odd ? ~number : number;
  always @(posedge clk) begin
    odd <= rst ? 0 : !odd;
    if (rst) full <= 0;
    else if (take) begin
      number <= i__payload;
      full <= !(fault == 3 && i__payload == 100);
    end
    else if (give && !(fault == 4 && seventh && odd)) full <= 0;
  end
endmodule
"""
CORRECT = ("correct_with_stalls", "correct_at_full_speed")
FAULTS = (
    "payload_changes",
    "offer_is_withdrawn",
    "number_is_lost",
    "number_comes_twice",
    "last_number_never_comes",
    "nothing_is_ever_taken",
)


def test_a_correct_queue_passes(simulator):
    ran = simulate(QUEUE, BENCH, tests=CORRECT, simulator=simulator)
    assert ran == CORRECT


def test_every_fault_is_seen(simulator):
    with pytest.raises(BenchFailure) as failure:
        simulate(QUEUE, BENCH, tests=FAULTS, simulator=simulator)
    assert str(failure.value).splitlines()[0] == f"failed: {', '.join(FAULTS)}"


def test_stalls_are_as_frequent_as_asked_and_repeat():
    for probability in (0.0, 0.1, 0.5, 0.9):
        stalls = Stalls(probability, "seed")
        drawn = [stalls.draw() for _ in range(20000)]
        again = Stalls(probability, "seed")
        assert drawn == [again.draw() for _ in range(20000)]
        assert sum(drawn) / len(drawn) == pytest.approx(probability, abs=0.05)
    assert [Stalls(0.5, 1).draw() for _ in range(9)] == [Stalls(0.5, "1").draw() for _ in range(9)]


@pytest.mark.parametrize("probability", [-0.1, 1.0, float("nan")])
def test_a_stall_that_never_ends_is_refused(probability):
    with pytest.raises(ValueError, match="from 0 to below 1"):
        Stalls(probability, 0)


@pytest.mark.parametrize("value", ["X", "Z", "U"])
def test_a_handshake_that_is_no_number_is_not_waited_for(value):
    handle = SimpleNamespace(_path="top.i__ready", value=Logic(value))
    with pytest.raises(AssertionError, match=f"top.i__ready is {value}"):
        level(handle)


def test_a_handshake_that_is_a_number_is_read():
    assert level(SimpleNamespace(value=Logic(1))) is True
    assert level(SimpleNamespace(value=Logic(0))) is False


class Fickle(Component):
    """Offers a counter, whether it is taken or not."""

    def __init__(self) -> None:
        super().__init__({"o": Out(stream.Signature(4))})

    def build(self, m: Module, platform: object) -> None:
        count = Signal(4)
        m.d.sync += count.eq(count + 1)
        m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(count)]


class Silent(Component):
    """Never offers anything."""

    def __init__(self) -> None:
        super().__init__({"o": Out(stream.Signature(4))})

    def build(self, m: Module, platform: object) -> None:
        m.d.sync += Signal().eq(1)


def test_a_withdrawn_payload_is_seen() -> None:
    dut = Fickle()
    bench = StreamBench(dut, stall=0.5, seed=3)
    bench.take(dut.o, 20)
    with pytest.raises(AssertionError, match="was offered and not taken"):
        bench.run()


def test_a_deadlock_is_seen() -> None:
    dut = Silent()
    bench = StreamBench(dut)
    bench.take(dut.o, 1)
    with pytest.raises(AssertionError, match="nothing has moved since clock 0"):
        bench.run(patience=50)


def test_more_than_expected_is_seen() -> None:
    dut = Fickle()
    bench = StreamBench(dut)
    taken = bench.take(dut.o, 3)
    bench.run()
    assert len(taken) > 3
    assert taken[:3] == [0, 1, 2]


def board(expected, received):
    scoreboard = Scoreboard("logits")
    scoreboard.expect(*expected)
    for item in received:
        scoreboard.receive(item)
    return scoreboard


def test_all_that_was_expected_in_order_passes():
    right = board([1, 2, 2], [1, 2, 2])
    right.check()
    assert (right.received, right.waiting, right.mismatches) == (3, 0, [])


@pytest.mark.parametrize(
    ("expected", "received", "message"),
    [
        ([1, 2], [1, 3], "logits: 1 of 2 are wrong: number 1: expected 2, received 3"),
        ([1, 2], [2, 1], "logits: 2 of 2 are wrong"),
        ([1], [1, 1], "logits: 1 of 2 are wrong: number 1: expected nothing, received 1"),
        ([1, 2, 3], [1], "logits: 2 did not come, first 2"),
        ([], [], "logits: nothing was compared"),
        ([0], [None], "logits: 1 of 1 are wrong: number 0: expected 0, received None"),
    ],
)
def test_anything_else_fails(expected, received, message):
    with pytest.raises(AssertionError, match=message):
        board(expected, received).check()
