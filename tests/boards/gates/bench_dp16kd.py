"""cocotb test of the model of a DP16KD against a description by bits."""

import random

import cocotb
from cocotb.triggers import Timer

from allspin.hdl.bench.job import SimulationJob


class Port:
    """Behaviour of one port of a block, from the memory usage guide, bit by bit."""

    def __init__(self, width, registered, mode):
        self.width, self.registered, self.mode = width, registered, mode
        self.latch = [0] * 36
        self.register = [0] * 36

    def places(self, address):
        """Bits of the block, lowest of the port first; bytes have nine, narrow ports see eight."""
        if self.width >= 9:
            start = address // self.width_in_addresses * self.width
            return list(range(start, start + self.width))
        byte, bit = address // 8, address % 8 // self.width * self.width
        return [9 * byte + bit + number for number in range(self.width)]

    @property
    def width_in_addresses(self):
        return {9: 8, 18: 16, 36: 32}[self.width]

    def written(self, address):
        """True for each of the port's bits that a write changes."""
        if self.width < 18:
            return [True] * self.width
        return [bool(address >> bit // 9 & 1) for bit in range(self.width)]


class Block:
    """A block RAM with two ports, as a list of its bits."""

    def __init__(self, a, b, wide):
        self.bits = [0] * 18432
        self.a, self.b, self.wide = a, b, wide

    def clock(self, inputs):
        """One edge of both clocks; inputs by port: address, data, ce, we, oce, rst."""
        before = list(self.bits)
        changed = {}
        for name, port in (("a", self.a), ("b", self.b)):
            address, data, ce, we, _, _ = inputs[name]
            places = port.places(address)
            changed[name] = {
                place: data >> number & 1
                for number, (place, able) in enumerate(
                    zip(places, port.written(address), strict=True)
                )
                if able and ce and we and not (self.wide and name == "b")
            }
        for name, port in (("a", self.a), ("b", self.b)):
            address, _, ce, we, oce, rst = inputs[name]
            others = changed["b" if name == "a" else "a"]
            new = dict(changed[name]) if port.mode == "WRITETHROUGH" else {}
            seen = [
                new.get(place, before[place]) ^ (place in others)  # undefined: told by inversion
                for place in port.places(address)
            ]
            if rst:
                port.register = [0] * 36
            elif oce:
                port.register = list(port.latch)
            if rst:
                port.latch = [0] * 36
            elif ce and not (we and port.mode == "NORMAL" and not (self.wide and name == "b")):
                port.latch = seen + [0] * (36 - len(seen))
        for bits in changed.values():
            for place, bit in bits.items():
                self.bits[place] = bit

    def outputs(self):
        """Levels of the pins DOA and DOB."""
        out = []
        for port in (self.a, self.b):
            bits = port.register if port.registered else port.latch
            out.append(sum(bit << number for number, bit in enumerate(bits)))
        if self.b.width == 36:
            return out[1] & 0x3FFFF, out[1] >> 18
        return out[0] & 0x3FFFF, out[1] & 0x3FFFF


@cocotb.test()
async def every_mode_is_what_the_guide_says(dut):
    modes = SimulationJob.of_this_simulation().options["modes"]
    blocks = [
        Block(Port(wa, ra, ma), Port(wb, rb, mb), 36 in (wa, wb))
        for wa, wb, ra, rb, ma, mb in modes
    ]
    rng = random.Random(cocotb.RANDOM_SEED)
    dut.clk.value = 0
    await Timer(5, "ns")
    for clock in range(1500):
        inputs = {}
        for name in "ab":
            inputs[name] = (
                rng.choice([0, 16320]) | rng.randrange(64),  # few, so that ports meet
                rng.getrandbits(36),
                rng.random() < 0.8,
                rng.random() < (1.0 if clock < 300 else 0.4),
                rng.random() < 0.8,
                clock > 300 and rng.random() < 0.05,
            )
        if inputs["a"][3] and inputs["b"][3]:
            # Writes of both ports at once are undefined, so they use different addresses.
            inputs["b"] = (inputs["a"][0] ^ 8192, *inputs["b"][1:])
        for name in "ab":
            for signal, value in zip(
                ("ad", "di", "ce", "we", "oce", "rst"), inputs[name], strict=True
            ):
                getattr(dut, f"{signal}_{name}").value = int(value)
        await Timer(5, "ns")
        dut.clk.value = 1
        await Timer(5, "ns")
        dut.clk.value = 0
        for block in blocks:
            block.clock(inputs)
        for number, block in enumerate(blocks):
            shown = getattr(dut, f"do_{number}").value.to_unsigned()
            a, b = block.outputs()
            assert shown == b << 18 | a, f"clock {clock}, {modes[number]}: {shown:#x} {a:#x} {b:#x}"
