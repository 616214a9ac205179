"""The documents use the field's words, and the glossary is in order."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]

SAYS_INSTEAD = {
    r"(images|share) right": "accuracy",
    r"clocks? (an|per) image|clocks? (each|every) image": "cycles per image",
    r"images a second": "images/s",
    r"switched whole": "saturated",
    r"data less fit": "residual",
    r"least significant bits? of (a|the) current": "LSB",
    r"copies of a register": "register duplication",
    r"weight on time": "timing weight",
    r"no longer|before, (it|each|what)|earlier|used to be|since then": "what is, not what was",
}
MADE = re.compile(r"<!--(?! end| What `make bench` writes ends).*?-->.*?<!--.*?-->", re.DOTALL)
"""What a command writes into a document, between its marks."""
FENCE = re.compile(r"^(`{3,})[^`\n]*\n.*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)


def dialect(text: str) -> list[str]:
    """What a document says in words of its own, outside code and what commands write."""
    plain = " ".join(FENCE.sub("", MADE.sub("", text)).split())
    plain = re.sub(r"`[^`]*`", "", plain)
    return [
        f"{match[0]!r}: say {better}"
        for words, better in SAYS_INSTEAD.items()
        for match in re.finditer(words, plain, re.IGNORECASE)
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_documents_use_the_words_of_the_field(document):
    assert dialect(document.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("150 clocks\nan image", 1),
        ("<!-- make x -->\nImages a second\n<!-- end -->", 0),
        ("`images a second`\n```\nno longer\n```\n", 0),
        ("It is no longer there. Switched whole.", 2),
    ],
)
def test_dialect_would_be_seen(text, found):
    assert len(dialect(text)) == found


def test_the_glossary_is_in_order_and_short():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    entries = re.findall(r"^- \*\*(.+?)\*\*: (.*(?:\n  .*)*)", text, re.MULTILINE)
    terms = [term.casefold() for term, _ in entries]
    assert len(terms) > 50
    assert terms == sorted(set(terms))
    assert [term for term, said in entries if said.count("\n") != 1] == []


@pytest.mark.parametrize("name", ["README.md", "docs/architecture.md", "CONTRIBUTING.md"])
def test_the_glossary_is_linked(name):
    assert re.search(r"\]\((docs/)?glossary\.md\)", (ROOT / name).read_text(encoding="utf-8"))
