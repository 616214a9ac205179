"""Which gateware it is: a digest of a machine's logic, whatever the sources call its parts.

A build says what a board reaches with the logic that was built. Whether that is still the logic of
the sources is a question of neither commits nor files: code moves, and comments and names change,
without any gate being another. So the digest is of the RTLIL that Amaranth makes, in which every
name that a tool could have given as well is replaced by a number: of signals, cells, memories,
processes, and modules with their ports. Only the ports of the whole machine keep their names, since
the board is connected to those, and so do cells and ports of the part's own.

Two machines with one digest are the same up to such names. The other way round is not promised:
where statements change places, cells may come in another order, and then the digest is another
although the logic is not. A row is then called older than it is, and never newer.
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
"""Of the SHA-256 of the text without names."""
UNSEEN = re.compile(r"\\(src|top|generator|enum_base_type|enum_value_\w+)\Z")
"""Attributes that say where something comes from, or what a viewer shows for its values."""
_NAME = re.compile(r"(?<!\S)[\\$]\S+")


def machine_text(parameters: ShellParameters, progress: Progress = no_progress) -> str:
    """A board's machine as RTLIL, without the places of its sources.

    Parameters
    ----------
    parameters : ShellParameters
        Which machine on which board.
    progress : callable
        Told that it is being made, which takes many seconds for a large one.
    """
    progress("elaborating the machine", 0.0)
    platform = parameters.board.create_platform()
    return rtlil.convert(Top(parameters.machine), name=MACHINE, platform=platform, emit_src=False)


def gateware_of(
    parameters: ShellParameters, text: str | None = None, progress: Progress = no_progress
) -> str:
    """The digest of a board's machine, remembered as long as no source changes.

    Parameters
    ----------
    parameters : ShellParameters
        Which machine on which board.
    text : str, optional
        What `machine_text` returned, where that is known.
    progress : callable
        As of `machine_text`.
    """
    part = str(getattr(parameters.board.platform_type, "device", ""))
    note = note_path("gateware", sources_digest(), repr(parameters.machine), part)
    with contextlib.suppress(OSError, ValueError):
        return str(read_note(note))
    found = gateware_digest(text or machine_text(parameters, progress))
    write_note(note, found)
    return found


@dataclass
class _Module:
    """A module's text.

    Attributes
    ----------
    wires : dict of str to str
        What each wire is like, attributes included, by name.
    memories : dict of str to str
        The same of memories.
    ports : dict of str to str
        Direction of the wires that are ports, in their order.
    body : list of list of str
        Cells and processes, a list of lines each.
    connections : list of tuple of str
        Left and right side.
    """

    wires: dict[str, str] = field(default_factory=dict)
    memories: dict[str, str] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)
    body: list[list[str]] = field(default_factory=list)
    connections: list[tuple[str, str]] = field(default_factory=list)


def gateware_digest(text: str) -> str:
    """The digest of a machine.

    Parameters
    ----------
    text : str
        RTLIL as Amaranth writes it; the first module is the whole.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    total = "".join(f"{line}\n" for line in anonymous(text))
    return hashlib.sha256(total.encode()).hexdigest()[:DIGITS]


def anonymous(text: str) -> Iterator[str]:
    """The lines of a machine's text without the names that do not matter.

    Parameters
    ----------
    text : str
        As of `gateware_digest`.
    """
    modules = _parse(text)
    numbers = {name: number for number, name in enumerate(modules)}
    for name, module in modules.items():
        yield f"module {numbers[name]}"
        yield from _anonymous(module, modules, numbers, whole=numbers[name] == 0)


def _anonymous(
    module: _Module, modules: Mapping[str, _Module], numbers: Mapping[str, int], *, whole: bool
) -> Iterator[str]:
    """One module's lines; a name has its number, and what it names is told, where it first occurs.

    So a wire that nothing uses, which stands only for what another one is, goes.
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
        # Left are ports, and else what the body does not know is another name of something.
        if left in module.ports or left in places or left not in module.wires:
            yield f"connect {renamed(left)} {renamed(right)}"


_ITEM = re.compile(
    r"^(?:  )?(module|attribute|wire|memory|connect|cell|process|end)\b ?(.*)\n((?:    .*\n)*)"
    r"(?:  end\n)?",
    re.MULTILINE,
)
"""What a module has, with the lines within a cell or a process."""
_SIDES = re.compile(r"(\{.*?\}|\S+(?: \[[^]]*\])?) (.*)")
"""Left and right of a connection; left is one wire, or a part of one, or several in braces."""


def _parse(text: str) -> dict[str, _Module]:
    """The modules of a text, by name."""
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
            module = modules[rest] = _Module()  # its attributes say where it comes from
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
