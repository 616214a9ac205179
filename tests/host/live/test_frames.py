"""Messages to a page: text, or a head and bytes."""

import json

import pytest

from allspin.host.live.messages import encode


def test_an_object_alone_is_text():
    text = encode({"a": [1, None, "\u00b5"]})
    assert isinstance(text, str)
    assert json.loads(text) == {"a": [1, None, "\u00b5"]}


def test_bytes_follow_their_object():
    content = encode({"a": "\u00b5"}, b"\0\1\2")
    assert isinstance(content, bytes)
    length = int.from_bytes(content[:4], "little")
    assert json.loads(content[4 : 4 + length]) == {"a": "\u00b5"}
    assert content[4 + length :] == b"\0\1\2"


def test_what_json_has_not_is_an_error():
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"a": float("nan")})
