# The stubs leave this module out; here is what is used of it.
from collections.abc import Iterable, Mapping
from typing import Any

from amaranth.hdl import Elaboratable, Signal, Value

def convert(
    elaboratable: Elaboratable,
    name: str = ...,
    platform: Any = ...,
    *,
    ports: Iterable[Signal] | Mapping[str, tuple[Value, Any]] | None = ...,
    emit_src: bool = ...,
) -> str: ...
