"""Images under way against counting them."""

import random
from typing import Any

from amaranth.sim import Simulator

from allspin.hdl.engine.counters import UnderWay


def test_an_image_is_under_way_from_its_first_event_to_the_clock_after_its_last_logit() -> None:
    dut = UnderWay()
    rng = random.Random(3)
    seen = set()

    async def stimulus(ctx: Any) -> None:
        begun = complete = gone = 0
        leaves = within = False
        for _ in range(2000):
            crowd = rng.random() < 0.7  # several at a time, and then none
            for _ in range(rng.randrange(1, 6)):
                expected = begun > gone or leaves
                assert ctx.get(dut.any) == expected
                seen.add(min(begun - gone, 3) if expected else -1)
                enters, last = rng.random() < 0.6 * crowd, rng.random() < 0.5
                # It takes some clocks from an image's last event to its last logit.
                leaves = rng.random() < (0.2 if crowd else 0.6) and complete > gone
                ctx.set(dut.enters, enters)
                ctx.set(dut.last, last)
                ctx.set(dut.leaves, leaves)
                await ctx.tick()
                gone += leaves
                complete += enters and last
                begun += enters and not within
                within = not last if enters else within

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(stimulus)
    simulator.run()
    assert seen == {-1, 0, 1, 2, 3}
