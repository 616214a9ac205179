"""Payloads as bits, compared with Amaranth's own constants of the same layout."""

import pytest
from amaranth.hdl import Const, signed
from amaranth.lib import data
from hypothesis import given
from hypothesis import strategies as st

from allspin.hdl.export import PayloadCode

LAYOUT = data.StructLayout({"one": 1, "none": 0, "level": signed(5), "row": range(100)})
CODE = PayloadCode(LAYOUT)


@given(st.integers(0, 1), st.integers(-16, 15), st.integers(0, 127))
def test_bits_are_amaranths(one, level, row):
    constant = LAYOUT.const({"one": one, "none": 0, "level": level, "row": row})
    bits = CODE.pack(one=one, level=level, row=row)
    assert bits == Const.cast(constant).value
    assert CODE.unpack(bits) == {"one": one, "none": 0, "level": level, "row": row}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"level": 16}, "level must be from -16 to 15, not 16"),
        ({"level": -17}, "level must be from -16 to 15, not -17"),
        ({"row": 128}, "row must be from 0 to 127, not 128"),
        ({"none": 1}, "none must be from 0 to 0, not 1"),
        ({"column": 1}, "the payload has one, none, level, row, but no column"),
    ],
)
def test_what_does_not_fit_is_refused(members, message):
    with pytest.raises(ValueError, match=message):
        CODE.pack(**members)
