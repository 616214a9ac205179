"""The drivers see what a component does wrong with its streams."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from cocotb.types import Logic

from allspin.hdl.bench.drivers import Stalls, level
from allspin.hdl.bench.simulator import BenchFailure, simulate

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
    report = simulate(QUEUE, BENCH, tests=CORRECT, simulator=simulator)
    assert report.tests == CORRECT


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
