# The stubs leave this module out; here is what is used of it.
from typing import Any

from amaranth.hdl import Elaboratable, Module, Signal, Value

class FFSynchronizer(Elaboratable):
    def __init__(
        self,
        i: Value,
        o: Signal,
        *,
        o_domain: str = ...,
        init: int | None = ...,
        reset_less: bool = ...,
        stages: int = ...,
        max_input_delay: float | None = ...,
    ) -> None: ...
    def elaborate(self, platform: Any) -> Module: ...

class ResetSynchronizer(Elaboratable):
    def __init__(
        self,
        arst: Value,
        *,
        domain: str = ...,
        stages: int = ...,
        max_input_delay: float | None = ...,
    ) -> None: ...
    def elaborate(self, platform: Any) -> Module: ...
