# The stubs leave this module out; here is what is used of it.
from typing import Any

from amaranth.hdl import Elaboratable, Module, Signal

class Algorithm:
    def __call__(self, data_width: int = ...) -> Parameters: ...

class Parameters:
    def create(self) -> Processor: ...

class Processor(Elaboratable):
    start: Signal
    data: Signal
    valid: Signal
    crc: Signal
    match_detected: Signal
    def elaborate(self, platform: Any) -> Module: ...
