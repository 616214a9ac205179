# The stubs' own, but that what is asserted needs no message.
# ruff: noqa: F403
from amaranth.hdl._ast import Array as Array
from amaranth.hdl._ast import C as C
from amaranth.hdl._ast import Cat as Cat
from amaranth.hdl._ast import ClockSignal as ClockSignal
from amaranth.hdl._ast import Const as Const
from amaranth.hdl._ast import Format as Format
from amaranth.hdl._ast import IOPort as IOPort
from amaranth.hdl._ast import IOValue as IOValue
from amaranth.hdl._ast import Mux as Mux
from amaranth.hdl._ast import Print as Print
from amaranth.hdl._ast import Property
from amaranth.hdl._ast import ResetSignal as ResetSignal
from amaranth.hdl._ast import Shape as Shape
from amaranth.hdl._ast import ShapeCastable as ShapeCastable
from amaranth.hdl._ast import ShapeLike as ShapeLike
from amaranth.hdl._ast import Signal as Signal
from amaranth.hdl._ast import SyntaxError as SyntaxError
from amaranth.hdl._ast import SyntaxWarning as SyntaxWarning
from amaranth.hdl._ast import Value as Value
from amaranth.hdl._ast import ValueCastable as ValueCastable
from amaranth.hdl._ast import ValueLike as ValueLike
from amaranth.hdl._ast import signed as signed
from amaranth.hdl._ast import unsigned as unsigned
from amaranth.hdl._cd import *
from amaranth.hdl._dsl import *
from amaranth.hdl._ir import *
from amaranth.hdl._mem import *
from amaranth.hdl._mem import MemoryInstance as MemoryInstance
from amaranth.hdl._rec import *
from amaranth.hdl._xfrm import *

def Assert(
    test: ValueLike, message: str | Format | None = ..., *, src_loc_at: int = ...
) -> Property: ...
def Assume(
    test: ValueLike, message: str | Format | None = ..., *, src_loc_at: int = ...
) -> Property: ...
def Cover(
    test: ValueLike, message: str | Format | None = ..., *, src_loc_at: int = ...
) -> Property: ...
