"""Marks: only the text between them is replaced, and only if both occur once."""

import pytest

from allspin.host.show.document import Marks
from allspin.sim.errors import UserError

BEGIN, END = "<!-- begin -->", "<!-- end -->"
MARKS = Marks(BEGIN, END)


@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_the_rest_of_the_document_stays_as_it_is(tmp_path, line):
    path = tmp_path / "d.md"
    before = f"bef\u0153re{line}"
    path.write_bytes(f"{before}{BEGIN}{line}old{END}".encode())
    MARKS.fill(path, "new\n")
    assert path.read_bytes().decode() == f"{before}{BEGIN}\nnew\n{END}"
    assert MARKS.around(path) == (before, "")


@pytest.mark.parametrize(
    "content", ["", BEGIN, f"{END} {BEGIN}", f"{BEGIN} {END} {END}", f"{BEGIN} {BEGIN} {END}"]
)
def test_a_document_without_its_marks_is_left_alone(tmp_path, content):
    path = tmp_path / "d.md"
    path.write_text(content)
    with pytest.raises(UserError, match="has not both marks, each once"):
        MARKS.fill(path, "text")
    assert path.read_text() == content


def test_a_file_that_is_no_text_is_left_alone(tmp_path):
    path = tmp_path / "d.md"
    with pytest.raises(UserError, match="cannot read"):
        MARKS.fill(path, "text")
    path.write_bytes(b"\xff" + BEGIN.encode() + END.encode())
    with pytest.raises(UserError, match="it is not text in UTF-8"):
        MARKS.fill(path, "text")
    assert path.read_bytes().startswith(b"\xff")
