"""How fast a board that was built is said to be."""

from types import SimpleNamespace
from typing import Any

import pytest

from allspin.boards.catalogue import find_board
from allspin.host.bitstreams import build as module
from allspin.host.bitstreams.build import Job
from allspin.host.bitstreams.engine_rates import EngineCycles, Throughput
from allspin.host.data.catalogue import open_network


def measured(monkeypatch, fits=True, frequency=30e6):
    """What is said of images/s of a build that needs 24 MHz."""
    # Of the figures no more is asked.
    figures: Any = SimpleNamespace(fits=fits, frequency=frequency, need=24e6)
    network = open_network("mnist-10")
    board = find_board("icebreaker").running("ideal")
    job = Job(board, "ideal", board.profile().hardware, "mnist-10", network)
    counted = Throughput(EngineCycles(10_000, 1000.0, False), 125.0, 1234.5)
    monkeypatch.setattr(module, "measure_throughput", lambda *_: counted)
    return module._measured(job, figures, lambda what, seconds: None)


def test_images_a_second_are_of_counted_clocks(monkeypatch):
    # 31.125 MHz of the board over 1,000 clocks; 300,000 bytes a second of its UART over 125.
    assert measured(monkeypatch)[0] == {
        "cycles_per_image": 1000.0,
        "latency_cycles": 1234.5,
        "images_per_second": 31_125,
        "link_images_per_second": 2400,
    }


@pytest.mark.parametrize("changes", [{"fits": False, "frequency": 0.0}, {"frequency": 23.9e6}])
def test_what_does_not_run_has_no_images_a_second(monkeypatch, changes):
    assert set(measured(monkeypatch, **changes)[0].values()) == {None}


def test_without_a_compiler_no_images_are_counted_and_a_line_says_so(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    figures, (note,) = measured(monkeypatch)
    assert set(figures.values()) == {None}
    assert note.startswith("images/s are not measured: the virtual board needs a C++")
