# The stubs' own, but that what is asserted needs no message.
# ruff: noqa: F403
from amaranth.hdl._ast import (
    Array as Array,
    C as C,
    Cat as Cat,
    ClockSignal as ClockSignal,
    Const as Const,
    Format as Format,
    IOPort as IOPort,
    IOValue as IOValue,
    Mux as Mux,
    Print as Print,
    Property,
    ResetSignal as ResetSignal,
    Shape as Shape,
    ShapeCastable as ShapeCastable,
    ShapeLike as ShapeLike,
    Signal as Signal,
    SyntaxError as SyntaxError,
    SyntaxWarning as SyntaxWarning,
    Value as Value,
    ValueCastable as ValueCastable,
    ValueLike as ValueLike,
    signed as signed,
    unsigned as unsigned,
)
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
