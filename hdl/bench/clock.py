"""Clock and reset of a component in cocotb."""

from typing import Any

from cocotb.clock import Clock
from cocotb.handle import Immediate
from cocotb.triggers import Event, RisingEdge, SimTimeoutError, Timer, with_timeout

PERIOD = 10
"""Clock period in nanoseconds of simulated time; benches count clocks only."""


async def start_clock(dut: Any, *, reset: int = 2) -> None:
    """Start the clock and reset the component; every input must have been driven before.

    Parameters
    ----------
    dut : cocotb handle
        The component, with ``clk`` and ``rst``.
    reset : int
        Clocks of reset.
    """
    dut.rst.set(Immediate(1))
    # In C: a clock in Python costs more than the whole simulation. It starts low, since an
    # edge at time 0 would come before Icarus has computed the registers' inputs.
    Clock(dut.clk, PERIOD, "ns", impl="gpi").start(start_high=False)
    for _ in range(reset):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)


async def clocks(count: int) -> None:
    """Wait for some clocks, without an event at each."""
    await Timer(count * PERIOD, "ns")


async def wait_for(event: Event, limit: int) -> bool:
    """Wait for an event for at most `limit` clocks, and return True if it came."""
    try:
        await with_timeout(event.wait(), limit * PERIOD, "ns")
    except SimTimeoutError:
        return False
    return True
