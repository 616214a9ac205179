"""Models of an ECP5's cells, which stand for instances in a simulation.

The models follow the data sheets. `tests/boards/gates` runs the whole engine with the vendor's own
models in Verilog.
"""

from typing import Any

from amaranth.hdl import (
    Cat,
    Const,
    Elaboratable,
    Module,
    Mux,
    Signal,
    signed,
)
from amaranth.lib.memory import Memory


class Cell(Elaboratable):
    """A cell's model, in place of an instance."""

    def __init__(self, kind: str, **ports: Any) -> None:
        self.kind = kind
        self.ports = ports

    def elaborate(self, platform: object) -> Module:
        m = Module()
        {"TRELLIS_FF": self.flip_flop, "CCU2C": self.carries, "DP16KD": self.memory}[self.kind](m)
        return m

    def pin(self, name: str) -> Any:
        return self.ports[f"i_{name}"]

    def flip_flop(self, m: Module) -> None:
        m.d.sync += self.ports["o_Q"].eq(self.pin("DI"))

    def carries(self, m: Module) -> None:
        """FPGA-TN-02200: of each half a table of four inputs, and one of two for the carry."""
        carry = self.pin("CIN")
        for half in range(2):
            table = self.ports[f"p_INIT{half}"]
            a, b, c, d = (self.pin(f"{name}{half}") for name in "ABCD")
            propagates = Signal(name=f"propagates_{half}")
            generates = Signal(name=f"generates_{half}")
            following = Signal(name=f"carry_{half}")
            m.d.comb += [
                propagates.eq(table.bit_select(Cat(a, b, c, d), 1)),
                generates.eq(table.bit_select(Cat(a, b), 1)),
                self.ports[f"o_S{half}"].eq(propagates ^ carry),
                following.eq(Mux(propagates, carry, generates)),
            ]
            carry = following
        m.d.comb += self.ports["o_COUT"].eq(carry)

    def memory(self, m: Module) -> None:
        """FPGA-TN-02204: written through A and read through B, with an output register."""
        width = self.ports["p_DATA_WIDTH_A"]
        assert width == self.ports["p_DATA_WIDTH_B"]
        assert self.ports["p_REGMODE_B"] == "OUTREG"
        unit = {9: 3, 18: 4, 36: 5}[width]
        parts = width // 9
        m.submodules.memory = memory = Memory(shape=width, depth=2 ** (14 - unit), init=[])
        write, read = memory.write_port(granularity=9), memory.read_port(domain="comb")
        chosen = {side: Cat(self.pin(f"CS{side}{n}") for n in range(3)) == 0 for side in "AB"}
        written = [self.pin(f"DI{side}{bit}") for side in "AB" for bit in range(18)]
        addresses = {side: Cat(self.pin(f"AD{side}{bit}") for bit in range(14)) for side in "AB"}
        enables = addresses["A"][:parts] if parts > 1 else Const(1, 1)
        writes = self.pin("WEA") & self.pin("CEA") & chosen["A"]
        word, output = Signal(width), Signal(width)
        m.d.comb += [
            write.addr.eq(addresses["A"][unit:]),
            write.data.eq(Cat(written)[:width]),
            write.en.eq(Mux(writes, enables, 0)),
            read.addr.eq(addresses["B"][unit:]),
        ]
        with m.If(self.pin("CEB") & chosen["B"] & ~self.pin("WEB")):
            m.d.sync += word.eq(read.data)
        with m.If(self.pin("OCEB")):
            m.d.sync += output.eq(word)
        for reset in ("RSTA", "RSTB"):
            with m.If(self.pin(reset)):
                m.d.sync += output.eq(0)
        sides = "AB" if width == 36 else "B"
        outputs = [f"o_DO{side}{bit}" for side in sides for bit in range(18)]
        for name, bit in zip(outputs, output, strict=False):
            m.d.comb += self.ports[name].eq(bit)


class Multiplier(Elaboratable):
    """FPGA-TN-02205: 18 bits times 18, each signed or not, without registers by default."""

    made = 0

    def __init__(self, kind: str, **ports: Any) -> None:
        assert kind == "MULT18X18D"
        assert not any(name.startswith("p_") for name in ports)
        self.ports = ports
        type(self).made += 1

    def factor(self, pin: str) -> Any:
        bits = Cat(self.ports[f"i_{pin}{bit}"] for bit in range(18))
        sign = bits[-1] & self.ports[f"i_SIGNED{pin}"]
        return Cat(bits, sign).as_signed()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        product = Signal(signed(36))
        # A factor that came from the neighbour would be no product.
        wrong = self.ports["i_SOURCEA"] | self.ports["i_SOURCEB"]
        m.d.comb += product.eq(Mux(wrong, 0, self.factor("A") * self.factor("B")))
        m.d.comb += [self.ports[f"o_P{bit}"].eq(product[bit]) for bit in range(36)]
        return m
