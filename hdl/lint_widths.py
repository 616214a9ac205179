"""Cells as wide as linters want them in Verilog: a map for Yosys' ``techmap``.

Amaranth's operands have no more bits than they need, and RTLIL extends or cuts them where a cell
takes them. So does Verilog, but linters warn of each. Here operands and results are extended and
cut beside the cell.
"""

_MODULE = """\
(* techmap_celltype = "$CELL" *)
module wide_CELL (PORTS Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  localparam SIGNED = SIGNS, WIDER_B = A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH;
  localparam WIDER_Y = A_WIDTH > Y_WIDTH ? A_WIDTH : Y_WIDTH;
  output [Y_WIDTH-1:0] Y;
  wire [WIDTH_Y-1:0] y;
  assign Y = y;
SIDES
  \\$TYPE #(PARAMETERS .Y_WIDTH(WIDTH_Y)) _TECHMAP_REPLACE_ (CONNECTED .Y(y));
  wire _TECHMAP_FAIL_ = SAME Y_WIDTH == WIDTH_Y;
endmodule
"""
_SIDE = """\
  input [SIDE_WIDTH-1:0] SIDE;
  wire [WIDTH_SIDE-1:0] wide_SIDE;
  generate
    if (SIDE_WIDTH == 0) assign wide_SIDE = 0;
    else if (SIGNED) assign wide_SIDE = $signed(SIDE);
    else assign wide_SIDE = SIDE;
  endgenerate
"""
_PARAMETERS = ".SIDE_SIGNED(SIDE_SIGNED && SIGNED), .SIDE_WIDTH(WIDTH_SIDE), "
_NOT = """\
(* techmap_celltype = "$logic_not" *)
module is_zero (A, Y);
  parameter A_SIGNED = 0, A_WIDTH = 1, Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  output [Y_WIDTH-1:0] Y;
  \\$eq #(.A_SIGNED(0), .B_SIGNED(0), .A_WIDTH(A_WIDTH), .B_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH))
    _TECHMAP_REPLACE_ (.A(A), .B({A_WIDTH{1'b0}}), .Y(Y));
endmodule
"""
_CELLS = (
    # Cells; widths of A, of B if the cell has one, and of Y; whether operands are signed.
    ("add sub mul and or xor", "Y_WIDTH", "Y_WIDTH", "Y_WIDTH", "A_SIGNED && B_SIGNED"),
    ("eq ne lt le gt ge", "WIDER_B", "WIDER_B", "Y_WIDTH", "A_SIGNED && B_SIGNED"),
    ("mod modfloor", "WIDER_B", "WIDER_B", "WIDER_B", "A_SIGNED && B_SIGNED"),
    ("neg not", "Y_WIDTH", "", "Y_WIDTH", "A_SIGNED"),
    # The shift distance is a number of its own, and never signed.
    ("shl shr sshl sshr shift shiftx", "WIDER_Y", "B_WIDTH", "WIDER_Y", "A_SIGNED"),
)


def widths_map() -> str:
    """Return Verilog modules for ``read_verilog -icells`` and ``techmap -map``."""
    found = [_NOT]
    for cells, of_a, of_b, of_y, signs in _CELLS:
        sides = {"A": of_a, "B": of_b} if of_b else {"A": of_a}
        words = {
            "PORTS": "".join(f"{side}, " for side in sides),
            "SIDES": "".join(_SIDE.replace("SIDE", side) for side in sides),
            "PARAMETERS": "".join(_PARAMETERS.replace("SIDE", side) for side in sides),
            "CONNECTED": "".join(f".{side}(wide_{side}), " for side in sides),
            "SAME": "".join(f"{side}_WIDTH == {width} && " for side, width in sides.items()),
            "SIGNS": signs,
            "WIDTH_A": of_a,
            "WIDTH_B": of_b,
            "WIDTH_Y": of_y,
        }
        for cell in cells.split():
            text = _MODULE
            for name, word in words.items():
                text = text.replace(name, word)
            found.append(text.replace("$TYPE", f"${cell}").replace("CELL", cell))
    return "".join(found)
