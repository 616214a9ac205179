"""Invalid messages of a page are refused in one line."""

import json

import pytest

from allspin.host.live import messages
from allspin.host.live.messages import parse

POINTS = messages.MAX_POINTS


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"serial": "1"}, "serial must be an integer"),
        ({"serial": 1, "test": "0"}, "test must be an integer"),
        ({"serial": 1, "test": -1}, "test must be from 0 to 59"),
        ({"serial": 1, "use": 2**40}, "use must be from 0"),
        ({"serial": 1, "strokes": "ab"}, "strokes must be a list"),
        ({"serial": 1, "strokes": [[]]}, "a stroke must be a list of coordinates"),
        ({"serial": 1, "strokes": [[1, 2], "34"]}, "a stroke must be a list of coordinates"),
        ({"serial": 1, "strokes": [[1, 2, 3]]}, "a stroke must be a list of coordinates"),
        ({"serial": 1, "strokes": [[1, 1001]]}, "a coordinate must be from 0 to 1000"),
        ({"serial": 1, "strokes": [[1, 0.5]]}, "a coordinate must be an integer"),
        ({"serial": 1, "strokes": [[0, 0]] * (messages.MAX_STROKES + 1)}, "at most 200"),
        ({"serial": 1, "strokes": [[0, 0] * POINTS, [0, 0]]}, f"at most {POINTS} points"),
        ({"kind": "chips", "count": 1001}, "count must be from 0 to 1000"),
        ({"kind": "chips"}, "count must be an integer"),
        ({"kind": "choose"}, "a setting must be an object"),
        ({"kind": None}, "kind must be one of choose, show, chips, save"),
    ],
)
def test_a_wrong_message_is_one_line(choices, said, words):
    with pytest.raises((TypeError, ValueError), match=words) as error:
        parse(json.dumps({"kind": "show", **said}), choices)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200
