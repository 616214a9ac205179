"""Files of builds, whoever wrote them."""

import json

import pytest

from allspin.sim.errors import UserError
from tests.bench.bench import read_builds


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON: it is nested deeper than 16 levels"),
        ("[" + "1" * 400 + "]", "is not JSON: it has an integer of more than 64 bits"),
        ("3", "is not what .*: it is no list of boards"),
        ("[1]", "is not what .*: it is no list of boards"),
        ('{"boards": {}}', "is not what .*: it is no list of boards"),
        ('[{"built": 3}]', "is not what .*: it is not what allspin build says of a board"),
        ('[{"fits": true}]', "is not what .*: it lacks board, cycles_per_image, fmax_mhz"),
    ],
)
def test_builds_that_cannot_be_read_are_refused(tmp_path, content, message):
    path = tmp_path / "b.json"
    with pytest.raises(UserError, match="cannot read"):
        read_builds([path])
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_builds([path])


def test_builds_may_be_those_of_the_table_of_boards(board_record, tmp_path):
    path = tmp_path / "boards.json"
    built = board_record()
    path.write_text(json.dumps({"boards": [{"board": "mine", "built": built}, {"built": None}]}))
    assert read_builds([path]) == [built]
