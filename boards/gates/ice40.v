// Simulation models for iCE40 that Yosys has in another shape: the look-up table as one
// selection, which simulators compile sooner, and PLLs, whose clock comes out as it goes in.

module SB_LUT4 (output O, input I0, I1, I2, I3);
	parameter [15:0] LUT_INIT = 0;
	assign O = LUT_INIT[{I3, I2, I1, I0}];
endmodule

// A pin that the simulation drives, and one that it does not; neither may be clocked.
module SB_IO_IN (
	input PACKAGE_PIN,
	input LATCH_INPUT_VALUE, CLOCK_ENABLE, INPUT_CLK, OUTPUT_CLK, OUTPUT_ENABLE, D_OUT_0, D_OUT_1,
	output D_IN_0, D_IN_1
);
	parameter [5:0] PIN_TYPE = 6'b000000;
	parameter [0:0] PULLUP = 1'b0;
	parameter [0:0] NEG_TRIGGER = 1'b0;
	parameter IO_STANDARD = "SB_LVCMOS";
	assign D_IN_0 = PACKAGE_PIN;
	initial
		if (PIN_TYPE[1:0] != 2'b01) begin
			$display("SB_IO: a mode of input that is not modelled");
			$finish;
		end
endmodule

module SB_IO_OUT (
	output PACKAGE_PIN,
	input LATCH_INPUT_VALUE, CLOCK_ENABLE, INPUT_CLK, OUTPUT_CLK, OUTPUT_ENABLE, D_OUT_0, D_OUT_1,
	output D_IN_0, D_IN_1
);
	parameter [5:0] PIN_TYPE = 6'b000000;
	parameter [0:0] PULLUP = 1'b0;
	parameter [0:0] NEG_TRIGGER = 1'b0;
	parameter IO_STANDARD = "SB_LVCMOS";
	assign PACKAGE_PIN = D_OUT_0;
	initial
		if (PIN_TYPE[5:2] != 4'b0110 && PIN_TYPE[5:2] != 4'b1010) begin
			$display("SB_IO: a mode of output that is not modelled");
			$finish;
		end
endmodule

module SB_PLL40_CORE (
	input REFERENCECLK, EXTFEEDBACK, BYPASS, RESETB, LATCHINPUTVALUE, SDI, SCLK,
	input [7:0] DYNAMICDELAY,
	output PLLOUTCORE, PLLOUTGLOBAL, LOCK, SDO
);
	assign PLLOUTCORE = REFERENCECLK;
	assign PLLOUTGLOBAL = REFERENCECLK;
	assign LOCK = 1'b1;
endmodule

module SB_PLL40_PAD (
	input PACKAGEPIN, EXTFEEDBACK, BYPASS, RESETB, LATCHINPUTVALUE, SDI, SCLK,
	input [7:0] DYNAMICDELAY,
	output PLLOUTCORE, PLLOUTGLOBAL, LOCK, SDO
);
	assign PLLOUTCORE = PACKAGEPIN;
	assign PLLOUTGLOBAL = PACKAGEPIN;
	assign LOCK = 1'b1;
endmodule

// As nextpnr has it: the clock comes out by a wire that is not in its netlist.
module ICESTORM_PLL (
	input REFERENCECLK, EXTFEEDBACK, BYPASS, RESETB, LATCHINPUTVALUE, SDI, SCLK,
	input DYNAMICDELAY_0, DYNAMICDELAY_1, DYNAMICDELAY_2, DYNAMICDELAY_3,
	input DYNAMICDELAY_4, DYNAMICDELAY_5, DYNAMICDELAY_6, DYNAMICDELAY_7,
	output PLLOUT_A, PLLOUT_A_GLOBAL, PLLOUT_B, PLLOUT_B_GLOBAL, LOCK, SDO
);
	assign LOCK = 1'b1;
endmodule
