"""The documents are true: their commands parse, their links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

import allspin
from allspin.host.cli.commands import COMMANDS
from tests.command_lines import read_options
from tests.docs.documents import DOCS, FENCE, ROOT, blocks

FRONT = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
DOCUMENTS = [*FRONT, *sorted(DOCS.rglob("*.md"))]
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
SPAN = re.compile(r"`([^`\n]+)`")


def quoted_lines(text: str) -> list[str]:
    """Lines of shell blocks, continuation lines joined, and code within the text."""
    shell = "\n".join(blocks(text, "sh")).replace("\\\n", " ")
    return shell.splitlines() + SPAN.findall(FENCE.sub("", text))


def quoted_commands(text: str) -> list[list[str]]:
    """Words of every command line of allspin, comment and prompt left out."""
    found = []
    for line in quoted_lines(text):
        match = re.match(r"(?:\$ )?(?:\.venv/bin/)?allspin (.*)", line.strip())
        if match and (words := shlex.split(match[1], comments=True)):
            found.append(words)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_quoted_command_lines_parse_and_targets_exist(document, tmp_path, monkeypatch):
    text = document.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for block in blocks(text, "toml"):
        # Files of programming are read with the option that names them.
        if match := re.match(r"# (\w+\.toml)\b", block):
            Path(match[1]).write_text(block, encoding="utf-8")
    # The changelog tells of options that have gone.
    for words in quoted_commands(text) if document.name != "CHANGELOG.md" else ():
        if words[0] in COMMANDS and words[1:] not in ([], ["--help"]):
            # A wrong option raises an error that pytest shows.
            read_options(words[0], words[1:])
        else:
            assert words[0] in {*COMMANDS, "--help", "--version", "COMMAND"}, words
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    quoted = re.findall(r"^\s*make ([a-z]+)", "\n".join(quoted_lines(text)), re.MULTILINE)
    assert set(quoted) <= targets


def anchors(document: Path) -> set[str]:
    """Anchors of a document's headings, as links name them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_links_lead_somewhere_and_files_and_modules_that_are_named_exist(document):
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue  # an address outside: tests fetch no page
        file, _, anchor = target.partition("#")
        there = document if not file else (document.parent / file).resolve()
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target
    # The changelog names files that no longer exist.
    for span in SPAN.findall(text) if document.name != "CHANGELOG.md" else ():
        if re.fullmatch(r"(allspin|sim|hdl|boards|host|tests|docs)(/[\w.-]+)+/?", span):
            assert (ROOT / span).exists(), span
        elif re.fullmatch(r"allspin(\.\w+)+", span):
            names = span.split(".")[1:]
            parts = [ROOT.joinpath(*names[:end]) for end in range(len(names), 0, -1)]
            module = any(part.with_suffix(".py").is_file() for part in parts)
            assert module or hasattr(allspin, names[0]) or parts[0].is_dir(), span
