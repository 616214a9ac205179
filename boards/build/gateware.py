"""Digest of a machine's logic, independent of the names in its sources.

A build's figures hold for the logic that was built. Neither commits nor files show if the sources
still make this logic: code moves, and comments and names change, without another gate. So the
digest is that of Amaranth's RTLIL, in which numbers replace the names of signals, cells, memories,
processes, and modules with their ports. Only the ports of the whole machine, to which the board is
connected, and the part's own cells and ports keep their names.

Two machines with equal digests are equal up to such names. The converse does not hold: if
statements change places, cells may come in another order, and the digest differs although the logic
does not. A build is then called older than it is, but never newer.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from amaranth.back import rtlil

from allspin.boards.shell import MACHINE, ShellParameters
from allspin.boards.sources import sources_digest
from allspin.boards.top import Top
from allspin.hdl.cache import note_path, read_note, write_note
from allspin.hdl.cache.process import Progress, no_progress

DIGITS = 32
"""Digits of the SHA-256 of the text without names."""
UNSEEN = re.compile(r"\\(src|top|generator|enum_base_type|enum_value_\w+)\Z")
"""Attributes with source locations, or with a viewer's names of values."""
_NAME = re.compile(r"(?<!\S)[\\$]\S+")


def machine_text(parameters: ShellParameters, progress: Progress = no_progress) -> str:
    """Return a board's machine as RTLIL, without source locations.

    Parameters
    ----------
    parameters : ShellParameters
        The board and its machine.
    progress : callable
        Called before the conversion, which takes many seconds for a large machine.
    """
    progress("elaborating the machine", 0.0)
    platform = parameters.board.create_platform()
    return rtlil.convert(Top(parameters.machine), name=MACHINE, platform=platform, emit_src=False)


def gateware_of(
    parameters: ShellParameters, text: str | None = None, progress: Progress = no_progress
) -> str:
    """Return the digest of a board's machine, which the cache remembers until a source changes.

    Parameters
    ----------
    parameters : ShellParameters
        The board and its machine.
    text : str, optional
        Result of `machine_text`, if it is known.
    progress : callable
        Parameter of `machine_text`.
    """
    part = str(getattr(parameters.board.platform_type, "device", ""))
    note = note_path("gateware", sources_digest(), repr(parameters.machine), part)
    with contextlib.suppress(OSError, ValueError):
        return str(read_note(note))
    value = gateware_digest(text or machine_text(parameters, progress))
    write_note(note, value)
    return value


@dataclass
class _Module:
    """Text of a module.

    Attributes
    ----------
    wires : dict of str to str
        Width and attributes of each wire, by name.
    memories : dict of str to str
        Shape and attributes of each memory, by name.
    ports : dict of str to str
        Direction of each port, in their order.
    body : list of list of str
        Lines of each cell and process.
    connections : list of tuple of str
        Left and right sides.
    """

    wires: dict[str, str] = field(default_factory=dict)
    memories: dict[str, str] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)
    body: list[list[str]] = field(default_factory=list)
    connections: list[tuple[str, str]] = field(default_factory=list)


def gateware_digest(text: str) -> str:
    """Return the digest of a machine.

    Parameters
    ----------
    text : str
        Amaranth's RTLIL; the first module is the whole machine.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    total = "".join(f"{line}\n" for line in anonymous(text))
    return hashlib.sha256(total.encode()).hexdigest()[:DIGITS]


def anonymous(text: str) -> Iterator[str]:
    """Yield the lines of a machine's text without its names.

    Parameters
    ----------
    text : str
        Parameter of `gateware_digest`.
    """
    modules = _parse(text)
    numbers = {name: number for number, name in enumerate(modules)}
    for name, module in modules.items():
        yield f"module {numbers[name]}"
        yield from _anonymous(module, modules, numbers, whole=numbers[name] == 0)


def _anonymous(
    module: _Module, modules: Mapping[str, _Module], numbers: Mapping[str, int], *, whole: bool
) -> Iterator[str]:
    """Lines of one module. A name becomes a number, described where it first occurs.

    So an unused wire, which is only another name of something, disappears.
    """
    places: dict[str, int] = {}

    def numbered(match: re.Match[str]) -> str:
        name = match[0]
        if name in places:
            return f"#{places[name]}"
        place = places[name] = len(places)
        return f"#{place}({module.wires.get(name) or module.memories[name]})"

    def renamed(signals: str) -> str:
        return _NAME.sub(numbered, signals)

    for name, direction in module.ports.items():
        yield f"port {direction} {name if whole else ''} {renamed(name)}"
    for head, *lines in module.body:
        kind, _, rest = head.partition(" ")
        if kind != "cell":
            yield kind
            yield from map(renamed, lines)
            continue
        type_ = rest.split(" ")[0]
        child = modules.get(type_)
        yield f"cell {type_}" if child is None else f"cell module {numbers[type_]}"
        ports = list(child.ports) if child else []
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "connect":
                port, _, signals = rest.partition(" ")
                yield f"connect {ports.index(port) if port in ports else port} {renamed(signals)}"
            elif rest.startswith("\\MEMID "):
                # parameter \MEMID "\\name"
                memory = rest.partition(" ")[2].strip('"').replace("\\\\", "\\")
                yield f"memory {renamed(memory)}"
            else:
                yield line
    for left, right in module.connections:
        # The left side is a port; a wire that the body does not use is only another name.
        if left in module.ports or left in places or left not in module.wires:
            yield f"connect {renamed(left)} {renamed(right)}"


_ITEM = re.compile(
    r"^(?:  )?(module|attribute|wire|memory|connect|cell|process|end)\b ?(.*)\n((?:    .*\n)*)"
    r"(?:  end\n)?",
    re.MULTILINE,
)
"""Item of a module, with the lines of a cell or process."""
_SIDES = re.compile(r"(\{.*?\}|\S+(?: \[[^]]*\])?) (.*)")
"""Left and right side of a connection; the left side is a wire, a part of it, or several wires in
braces."""


def _parse(text: str) -> dict[str, _Module]:
    """Modules of a text, by name."""
    if strange := _ITEM.sub("", text).strip():
        raise ValueError(f"not what Amaranth writes: {strange.splitlines()[0]!r}")
    modules: dict[str, _Module] = {}
    module = _Module()
    attributes: list[str] = []
    for kind, rest, lines in _ITEM.findall(text):
        if kind == "attribute":
            attributes += [] if UNSEEN.match(rest.partition(" ")[0]) else [rest]
            continue
        *shape, name = rest.split() or [""]
        attributes.sort()
        if kind == "module":
            module = modules[rest] = _Module()  # its attributes are source locations
        elif kind == "wire":
            width = f"width {shape[shape.index('width') + 1]}"
            module.wires[name] = " ".join([width, *attributes])
            for direction in {"input", "output", "inout"} & set(shape):
                module.ports[name] = direction
        elif kind == "memory":
            module.memories[name] = " ".join([*shape, *attributes])
        elif kind == "connect":
            left, right = _SIDES.fullmatch(rest).groups()  # pyright: ignore[reportOptionalMemberAccess]
            module.connections.append((left, right))
        elif kind != "end":
            inner = [line.strip() for line in lines.splitlines()]
            module.body.append([f"{kind} {rest}", *attributes, *inner, "end"])
        attributes = []
    return modules
