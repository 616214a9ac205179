// Simulation models for ECP5 of what Yosys has no model of (block RAM, multiplier, PLL) or one of
// another shape: the look-up table as one selection, which simulators compile sooner, and pins
// without high impedance.
//
// Written from Lattice's public documentation: "ECP5 and ECP5-5G Memory Usage Guide" (TN1264,
// now FPGA-TN-02204), "sysCLOCK PLL/DLL Design and Usage Guide" (FPGA-TN-02200) and "sysDSP Usage
// Guide" (FPGA-TN-02205).
// What is not modelled stops the simulation. `docs/gates.md` says what is.

// A block RAM of 18 Kbit with two ports. The content is 2048 bytes of nine bits; ports of 1, 2
// and 4 bits see only the lower eight of each. Addresses are of bits: a port of 9 bits leaves
// out the lowest three, of 18 the lowest four, of 36 the lowest five, and where a port has
// several bytes, the lowest bits of its address enable their writing. With 36 bits, port A only
// writes and port B only reads, and each borrows the other's data pins for the upper or lower half.
//
// What a port reads while the other writes there is undefined; here it comes out inverted.
module DP16KD (
	input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6,
		DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
	input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
	input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
	output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6,
		DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
	input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6,
		DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
	input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
	input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
	output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6,
		DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
	parameter DATA_WIDTH_A = 18;
	parameter DATA_WIDTH_B = 18;
	parameter REGMODE_A = "NOREG";
	parameter REGMODE_B = "NOREG";
	parameter RESETMODE = "SYNC";
	parameter ASYNC_RESET_RELEASE = "SYNC";
	parameter CSDECODE_A = "0b000";
	parameter CSDECODE_B = "0b000";
	parameter WRITEMODE_A = "NORMAL";
	parameter WRITEMODE_B = "NORMAL";
	parameter CLKAMUX = "CLKA";
	parameter CLKBMUX = "CLKB";
	parameter GSR = "DISABLED";
	parameter INIT_DATA = "STATIC";
	parameter WID = 0;
	parameter [319:0] INITVAL_00 = 320'b0;
	parameter [319:0] INITVAL_01 = 320'b0;
	parameter [319:0] INITVAL_02 = 320'b0;
	parameter [319:0] INITVAL_03 = 320'b0;
	parameter [319:0] INITVAL_04 = 320'b0;
	parameter [319:0] INITVAL_05 = 320'b0;
	parameter [319:0] INITVAL_06 = 320'b0;
	parameter [319:0] INITVAL_07 = 320'b0;
	parameter [319:0] INITVAL_08 = 320'b0;
	parameter [319:0] INITVAL_09 = 320'b0;
	parameter [319:0] INITVAL_0A = 320'b0;
	parameter [319:0] INITVAL_0B = 320'b0;
	parameter [319:0] INITVAL_0C = 320'b0;
	parameter [319:0] INITVAL_0D = 320'b0;
	parameter [319:0] INITVAL_0E = 320'b0;
	parameter [319:0] INITVAL_0F = 320'b0;
	parameter [319:0] INITVAL_10 = 320'b0;
	parameter [319:0] INITVAL_11 = 320'b0;
	parameter [319:0] INITVAL_12 = 320'b0;
	parameter [319:0] INITVAL_13 = 320'b0;
	parameter [319:0] INITVAL_14 = 320'b0;
	parameter [319:0] INITVAL_15 = 320'b0;
	parameter [319:0] INITVAL_16 = 320'b0;
	parameter [319:0] INITVAL_17 = 320'b0;
	parameter [319:0] INITVAL_18 = 320'b0;
	parameter [319:0] INITVAL_19 = 320'b0;
	parameter [319:0] INITVAL_1A = 320'b0;
	parameter [319:0] INITVAL_1B = 320'b0;
	parameter [319:0] INITVAL_1C = 320'b0;
	parameter [319:0] INITVAL_1D = 320'b0;
	parameter [319:0] INITVAL_1E = 320'b0;
	parameter [319:0] INITVAL_1F = 320'b0;
	parameter [319:0] INITVAL_20 = 320'b0;
	parameter [319:0] INITVAL_21 = 320'b0;
	parameter [319:0] INITVAL_22 = 320'b0;
	parameter [319:0] INITVAL_23 = 320'b0;
	parameter [319:0] INITVAL_24 = 320'b0;
	parameter [319:0] INITVAL_25 = 320'b0;
	parameter [319:0] INITVAL_26 = 320'b0;
	parameter [319:0] INITVAL_27 = 320'b0;
	parameter [319:0] INITVAL_28 = 320'b0;
	parameter [319:0] INITVAL_29 = 320'b0;
	parameter [319:0] INITVAL_2A = 320'b0;
	parameter [319:0] INITVAL_2B = 320'b0;
	parameter [319:0] INITVAL_2C = 320'b0;
	parameter [319:0] INITVAL_2D = 320'b0;
	parameter [319:0] INITVAL_2E = 320'b0;
	parameter [319:0] INITVAL_2F = 320'b0;
	parameter [319:0] INITVAL_30 = 320'b0;
	parameter [319:0] INITVAL_31 = 320'b0;
	parameter [319:0] INITVAL_32 = 320'b0;
	parameter [319:0] INITVAL_33 = 320'b0;
	parameter [319:0] INITVAL_34 = 320'b0;
	parameter [319:0] INITVAL_35 = 320'b0;
	parameter [319:0] INITVAL_36 = 320'b0;
	parameter [319:0] INITVAL_37 = 320'b0;
	parameter [319:0] INITVAL_38 = 320'b0;
	parameter [319:0] INITVAL_39 = 320'b0;
	parameter [319:0] INITVAL_3A = 320'b0;
	parameter [319:0] INITVAL_3B = 320'b0;
	parameter [319:0] INITVAL_3C = 320'b0;
	parameter [319:0] INITVAL_3D = 320'b0;
	parameter [319:0] INITVAL_3E = 320'b0;
	parameter [319:0] INITVAL_3F = 320'b0;

	localparam WIDE = DATA_WIDTH_A == 36 || DATA_WIDTH_B == 36;
	localparam [39:0] DECODE_A = CSDECODE_A;
	localparam [39:0] DECODE_B = CSDECODE_B;

	wire [17:0] di_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8,
		DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
	wire [13:0] ad_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4,
		ADA3, ADA2, ADA1, ADA0};
	wire [17:0] di_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8,
		DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
	wire [13:0] ad_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4,
		ADB3, ADB2, ADB1, ADB0};
	wire clk_a = CLKAMUX == "INV" ? ~CLKA : CLKA;
	wire clk_b = CLKBMUX == "INV" ? ~CLKB : CLKB;
	wire on_a = CEA && {CSA2, CSA1, CSA0} == {DECODE_A[16], DECODE_A[8], DECODE_A[0]};
	wire on_b = CEB && {CSB2, CSB1, CSB0} == {DECODE_B[16], DECODE_B[8], DECODE_B[0]};
	wire write_a = on_a && WEA;
	wire write_b = on_b && WEB && !WIDE;

	// Of the 36 bits at an address: where a port's lie, which of them it has, and which of those
	// it writes.
	function [5:0] place(input integer width, input [13:0] address);
		case (width)
			1: place = 18 * address[4] + 9 * address[3] + address[2:0];
			2: place = 18 * address[4] + 9 * address[3] + {address[2:1], 1'b0};
			4: place = 18 * address[4] + 9 * address[3] + {address[2], 2'b00};
			9: place = 18 * address[4] + 9 * address[3];
			18: place = 18 * address[4];
			default: place = 0;
		endcase
	endfunction
	function [35:0] had(input integer width, input [13:0] address);
		had = ((37'b1 << width) - 37'b1) << place(width, address);
	endfunction
	function [35:0] written(input integer width, input [13:0] address);
		case (width)
			18: written = {{9{address[1]}}, {9{address[0]}}} << place(width, address);
			36: written = {{9{address[3]}}, {9{address[2]}}, {9{address[1]}}, {9{address[0]}}};
			default: written = had(width, address);
		endcase
	endfunction

	reg [35:0] memory [0:511];
	reg [35:0] latch_a, latch_b; // as far right as the port's width
	reg [35:0] register_a, register_b;
	wire [35:0] data_a = WIDE ? {di_b, di_a} : {18'b0, di_a};
	wire [35:0] data_b = {18'b0, di_b};
	wire [35:0] old_a = memory[ad_a[13:5]];
	wire [35:0] old_b = memory[ad_b[13:5]];
	wire [35:0] mask_a = write_a ? written(DATA_WIDTH_A, ad_a) : 36'b0;
	wire [35:0] mask_b = write_b ? written(DATA_WIDTH_B, ad_b) : 36'b0;
	wire [35:0] new_a = (old_a & ~mask_a) | (data_a << place(DATA_WIDTH_A, ad_a) & mask_a);
	wire [35:0] new_b = (old_b & ~mask_b) | (data_b << place(DATA_WIDTH_B, ad_b) & mask_b);

	// Bits that the other port writes at this moment cannot be relied on.
	wire same = ad_a[13:5] == ad_b[13:5];
	wire [35:0] doubt_a = same ? mask_b : 36'b0;
	wire [35:0] doubt_b = same ? mask_a : 36'b0;
	wire [35:0] seen_a = (write_a && WRITEMODE_A == "WRITETHROUGH" ? new_a : old_a) ^ doubt_a;
	wire [35:0] seen_b = (write_b && WRITEMODE_B == "WRITETHROUGH" ? new_b : old_b) ^ doubt_b;
	wire [35:0] read_a = (seen_a & had(DATA_WIDTH_A, ad_a)) >> place(DATA_WIDTH_A, ad_a);
	wire [35:0] read_b = (seen_b & had(DATA_WIDTH_B, ad_b)) >> place(DATA_WIDTH_B, ad_b);

	integer bit_a, bit_b;
	always @(posedge clk_a)
		if (write_a)
			for (bit_a = 0; bit_a < 36; bit_a = bit_a + 1)
				if (mask_a[bit_a])
					memory[ad_a[13:5]][bit_a] <= new_a[bit_a];
	always @(posedge clk_b)
		if (write_b)
			for (bit_b = 0; bit_b < 36; bit_b = bit_b + 1)
				if (mask_b[bit_b])
					memory[ad_b[13:5]][bit_b] <= new_b[bit_b];

	// A reset clears what is behind the memory, whatever the enables are.
	generate
		if (RESETMODE == "ASYNC") begin
			always @(posedge clk_a or posedge RSTA)
				if (RSTA)
					latch_a <= 0;
				else if (on_a && !(write_a && WRITEMODE_A == "NORMAL"))
					latch_a <= read_a;
			always @(posedge clk_b or posedge RSTB)
				if (RSTB)
					latch_b <= 0;
				else if (on_b && !(write_b && WRITEMODE_B == "NORMAL"))
					latch_b <= read_b;
			always @(posedge clk_a or posedge RSTA)
				if (RSTA)
					register_a <= 0;
				else if (OCEA)
					register_a <= latch_a;
			always @(posedge clk_b or posedge RSTB)
				if (RSTB)
					register_b <= 0;
				else if (OCEB)
					register_b <= latch_b;
		end else begin
			always @(posedge clk_a) begin
				if (RSTA)
					latch_a <= 0;
				else if (on_a && !(write_a && WRITEMODE_A == "NORMAL"))
					latch_a <= read_a;
				if (RSTA)
					register_a <= 0;
				else if (OCEA)
					register_a <= latch_a;
			end
			always @(posedge clk_b) begin
				if (RSTB)
					latch_b <= 0;
				else if (on_b && !(write_b && WRITEMODE_B == "NORMAL"))
					latch_b <= read_b;
				if (RSTB)
					register_b <= 0;
				else if (OCEB)
					register_b <= latch_b;
			end
		end
	endgenerate

	wire [35:0] out_a = REGMODE_A == "OUTREG" ? register_a : latch_a;
	wire [35:0] out_b = REGMODE_B == "OUTREG" ? register_b : latch_b;
	// A wide word comes out of port B's clock, its lower half on port A's pins; a narrow one of a
	// wide memory on port B's own.
	assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6,
		DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} =
		DATA_WIDTH_B == 36 ? out_b[17:0] : out_a[17:0];
	assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6,
		DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} =
		DATA_WIDTH_B == 36 ? out_b[35:18] : out_b[17:0];

	// Initial values hold sixteen words of 18 bits in twenty each.
	localparam [20479:0] INITIAL = {
		INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
		INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
		INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
		INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
		INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
		INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
		INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
		INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
	};
	integer word;
	initial begin
		for (word = 0; word < 512; word = word + 1)
			memory[word] = {
				INITIAL[40 * word + 20 +: 18], INITIAL[40 * word +: 18]
			};
		latch_a = 0;
		latch_b = 0;
		register_a = 0;
		register_b = 0;
		if (
			(DATA_WIDTH_A != 1 && DATA_WIDTH_A != 2 && DATA_WIDTH_A != 4 && DATA_WIDTH_A != 9
				&& DATA_WIDTH_A != 18 && DATA_WIDTH_A != 36)
			|| (DATA_WIDTH_B != 1 && DATA_WIDTH_B != 2 && DATA_WIDTH_B != 4 && DATA_WIDTH_B != 9
				&& DATA_WIDTH_B != 18 && DATA_WIDTH_B != 36)
			|| (RESETMODE != "SYNC" && RESETMODE != "ASYNC")
			|| (DATA_WIDTH_B == 36 && DATA_WIDTH_A != 36)
		) begin
			$display("DP16KD: a mode that is not modelled");
			$finish;
		end
	end
endmodule

// A multiplier without registers, whose factors are its own pins, each signed or not. Its other
// modes have parameters, which this has not, so that a netlist that sets one does not compile.
module MULT18X18D (
	input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
	input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
	input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
	input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
	output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
		P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
	wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
	wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
	wire signed [35:0] factor_a = {{18{SIGNEDA & a[17]}}, a};
	wire signed [35:0] factor_b = {{18{SIGNEDB & b[17]}}, b};
	assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
		P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = factor_a * factor_b;
	always @(SOURCEA, SOURCEB)
		if (SOURCEA === 1'b1 || SOURCEB === 1'b1) begin
			$display("MULT18X18D: a mode that is not modelled");
			$finish;
		end
endmodule

// The clock comes out as it goes in: what the simulation calls a clock is the output's.
module EHXPLLL (
	input CLKI, CLKFB, PHASESEL1, PHASESEL0, PHASEDIR, PHASESTEP, PHASELOADREG, STDBY,
	input PLLWAKESYNC, RST, ENCLKOP, ENCLKOS, ENCLKOS2, ENCLKOS3,
	output CLKOP, CLKOS, CLKOS2, CLKOS3, LOCK, INTLOCK, REFCLK, CLKINTFB
);
	assign CLKOP = CLKI;
	assign CLKOS = CLKI;
	assign CLKOS2 = CLKI;
	assign CLKOS3 = CLKI;
	assign CLKINTFB = CLKI;
	assign REFCLK = CLKI;
	assign LOCK = 1'b1;
	assign INTLOCK = 1'b1;
endmodule

// A net for clocks. nextpnr leaves out what is connected to no enable, which then is on.
module DCCA (input CLKI, CE, output CLKO);
	assign CLKO = CLKI;
endmodule

module LUT4 (input A, B, C, D, output Z);
	parameter [15:0] INIT = 0;
`ifdef VERILATOR
	assign Z = INIT[{D, C, B, A}];
`else
	// Where an input is unknown and makes no difference, the output is known.
	wire [7:0] by_d = D ? INIT[15:8] : INIT[7:0];
	wire [3:0] by_c = C ? by_d[7:4] : by_d[3:0];
	wire [1:0] by_b = B ? by_c[3:2] : by_c[1:0];
	assign Z = A ? by_b[1] : by_b[0];
`endif
endmodule

// Half a slice's logic, as nextpnr names it: a LUT, half of a carry, or a word's bit of distributed
// RAM; behind it a multiplexer of two LUTs, or of two such multiplexers.
module TRELLIS_COMB (
	input A, B, C, D, M, FCI, F1, FXA, FXB, DI0, DI1, WD, WAD0, WAD1, WAD2, WAD3, WRE, WCK,
	output F, FCO, OFX
);
	parameter MODE = "LOGIC";
	parameter [15:0] INITVAL = 0;
	parameter CCU2_INJECT1 = "NO";
	parameter WREMUX = "WRE";
	parameter WCKMUX = "WCK";
	parameter OF_TWO = 0; // its multiplexer is of two multiplexers

	assign OFX = OF_TWO ? (M ? FXB : FXA) : (M ? F1 : F);
	generate
		if (MODE == "DPRAM") begin: ram
			// Read by the pins of a LUT, so the content is in their order.
			reg [15:0] content = INITVAL;
			wire clock = WCKMUX == "INV" ? ~WCK : WCK;
			wire enable = WREMUX == "1" ? 1'b1 : WREMUX == "0" ? 1'b0 : WREMUX == "INV" ? ~WRE : WRE;
			always @(posedge clock)
				if (enable)
					content[{WAD0, WAD2, WAD1, WAD3}] <= WD;
			assign F = content[{D, C, B, A}];
			assign FCO = 1'b0;
		end else begin: logic_
			wire table_, pair;
			LUT4 #(.INIT(INITVAL)) lut (.A(A), .B(B), .C(C), .D(D), .Z(table_));
			assign pair = INITVAL[{2'b00, B, A}];
			wire injects = CCU2_INJECT1 == "YES";
			assign F = MODE == "CCU2" ? table_ ^ (FCI & ~injects) : table_;
			assign FCO = table_ ? FCI : pair & ~injects;
		end
	endgenerate
endmodule

// What writes into the distributed RAM beside it: pins of a slice that has no other use then.
module TRELLIS_RAMW (
	input A0, B0, C0, D0, A1, B1, C1, D1,
	output WDO0, WDO1, WDO2, WDO3, WADO0, WADO1, WADO2, WADO3
);
	assign {WADO3, WADO2, WADO1, WADO0} = {A0, C0, B0, D0};
	assign {WDO3, WDO2, WDO1, WDO0} = {B1, D1, A1, C1};
endmodule

// A register. Placed, it is fed by the LUT beside it, or by a pin of its own where SD is 0.
module TRELLIS_FF (input CLK, LSR, CE, DI, M, output reg Q);
	parameter GSR = "ENABLED";
	parameter CEMUX = "1";
	parameter CLKMUX = "CLK";
	parameter LSRMUX = "LSR";
	parameter SRMODE = "LSR_OVER_CE";
	parameter REGSET = "RESET";
	parameter LSRMODE = "LSR";
	parameter SD = "1";

	wire clock = CLKMUX == "INV" ? ~CLK : CLK;
	wire enable = CEMUX == "1" ? 1'b1 : CEMUX == "0" ? 1'b0 : CEMUX == "INV" ? ~CE : CE;
	wire resets = LSRMUX == "INV" ? ~LSR : LSR;
	wire level = LSRMODE == "PRLD" ? M : REGSET == "SET";
	wire next = SD == "0" ? M : DI;
	initial Q = REGSET == "SET";
	generate
		if (SRMODE == "ASYNC") begin: async
			always @(posedge clock, posedge resets)
				if (resets) Q <= level;
				else if (enable) Q <= next;
		end else begin: sync
			always @(posedge clock)
				if (resets) Q <= level;
				else if (enable) Q <= next;
		end
	endgenerate
endmodule

module TRELLIS_IO_IN (input B, I, T, output O);
	parameter DIR = "INPUT";
	assign O = B;
endmodule

module TRELLIS_IO_OUT (output B, input I, T, output O);
	parameter DIR = "INPUT";
	assign B = I;
	assign O = 1'b0;
endmodule
