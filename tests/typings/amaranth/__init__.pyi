# Amaranth 0.5 as pyright is to see it: anything. Its own annotations deny what its
# language lives on (members of payloads and ports, `with m.If(...)`), so with them pyright
# reports hundreds of errors that are none. Our own code between its calls is still checked.
from typing import Any

def __getattr__(name: str) -> Any: ...
