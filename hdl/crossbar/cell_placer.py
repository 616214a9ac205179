"""Place of an R_AH word: part of the array, memory, lane and line."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.component import Component


def cell_layout(parameters: CrossbarParameters) -> data.StructLayout:
    """Return the layout of an R_AH word to store.

    Members
    -------
    first : 1 bit
        The word goes to column 0 of `row`; further words follow column by column, row by
        row.
    row : unsigned
        Read where `first` is set.
    word : signed
        The R_AH word.
    """
    return data.StructLayout(
        {"first": 1, "row": range(parameters.rows), "word": signed(parameters.rah_bits)}
    )


def place_layout(parameters: CrossbarParameters) -> data.StructLayout:
    """Return the layout of a word and its place.

    Members
    -------
    part, bank, lane : unsigned
        Part of the array, memory of the part, and lane of the memory.
    address : unsigned
        The line: each group of columns has its own region of `part_rows` lines.
    word : signed
        The R_AH word.
    """
    return data.StructLayout(
        {
            "part": range(parameters.rows_per_clock),
            "bank": range(parameters.banks + 1),
            "lane": range(parameters.bank_lanes),
            "address": range(parameters.part_rows * parameters.passes),
            "word": signed(parameters.rah_bits),
        }
    )


class CellPlacer(Component):
    """Address of each R_AH word: part, memory, lane and line, column by column and row by row.

    Throughput: one word per cycle; latency 1.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                # `ready` is always set.
                "cells": In(stream.Signature(cell_layout(parameters))),
                # The block has a word to write.
                "valid": Out(1),
                # The word is the last of its memory's line.
                "completes": Out(1),
                # Place of the word, and the word.
                "place": Out(place_layout(parameters)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        cell = self.cells.payload
        # Place of the next word: its row, its group's region, and its bank and lane.
        names = {
            "row": range(p.rows + 1),
            "base": range((p.passes + 1) * p.part_rows),
            "column": range(p.columns),
            "bank": range(p.banks + 1),
            "lane": range(p.bank_lanes),
        }
        following = {name: Signal(shape, name=f"next_{name}") for name, shape in names.items()}
        here = {name: Signal(shape, name=f"here_{name}") for name, shape in names.items()}
        for name in names:
            start = cell.row if name == "row" else 0
            m.d.comb += here[name].eq(Mux(cell.first, start, following[name]))

        def ends(**last: int) -> Value:
            """Return True if the word is at these places; compared beside the multiplexers of
            `here`.
            """
            at_once = all(place == 0 for place in last.values())
            compared = Cat(following[name] == place for name, place in last.items()).all()
            return Mux(cell.first, at_once, compared)

        bank_ends = ends(lane=p.bank_lanes - 1)
        group_ends = ends(bank=p.banks - 1, lane=(p.lanes - 1) % p.bank_lanes)
        row_ends = ends(column=p.columns - 1)
        part_bits = (p.rows_per_clock - 1).bit_length()
        m.d.comb += self.cells.ready.eq(1)
        m.d.sync += self.valid.eq(self.cells.valid)
        with m.If(self.cells.valid):
            m.d.sync += [
                self.completes.eq(bank_ends | group_ends | row_ends),
                self.place.part.eq(here["row"][:part_bits]),
                self.place.bank.eq(here["bank"]),
                self.place.lane.eq(here["lane"]),
                self.place.address.eq(here["base"] + here["row"][part_bits:]),
                self.place.word.eq(cell.word),
                following["row"].eq(here["row"]),
                following["base"].eq(here["base"]),
                following["column"].eq(here["column"] + 1),
                following["bank"].eq(here["bank"]),
                following["lane"].eq(here["lane"] + 1),
            ]
            with m.If(row_ends):
                m.d.sync += [
                    following["row"].eq(here["row"] + 1),
                    *(following[name].eq(0) for name in ("base", "column", "bank", "lane")),
                ]
            with m.Elif(group_ends):
                m.d.sync += [
                    following["base"].eq(here["base"] + p.part_rows),
                    *(following[name].eq(0) for name in ("bank", "lane")),
                ]
            with m.Elif(bank_ends):
                m.d.sync += [following["bank"].eq(here["bank"] + 1), following["lane"].eq(0)]
