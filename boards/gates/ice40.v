// Simulation models for iCE40 that Yosys has in another shape: the look-up table as one
// selection, which simulators compile sooner, and PLLs, whose clock comes out as it goes in.

module SB_LUT4 (output O, input I0, I1, I2, I3);
	parameter [15:0] LUT_INIT = 0;
`ifdef VERILATOR
	assign O = LUT_INIT[{I3, I2, I1, I0}];
`else
	// Where an input is unknown and makes no difference, the output is known.
	wire [7:0] by_3 = I3 ? LUT_INIT[15:8] : LUT_INIT[7:0];
	wire [3:0] by_2 = I2 ? by_3[7:4] : by_3[3:0];
	wire [1:0] by_1 = I1 ? by_2[3:2] : by_2[1:0];
	assign O = I0 ? by_1[1] : by_1[0];
`endif
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

// A routed cell: a look-up table, a carry and a flip-flop. What is not connected is low; the
// netlist's Verilog says where it is high.
module ICESTORM_LC (input I0, I1, I2, I3, CIN, CLK, CEN, SR, output LO, O, COUT);
	parameter [15:0] LUT_INIT = 0;
	parameter NEG_CLK = 0;
	parameter CARRY_ENABLE = 0;
	parameter DFF_ENABLE = 0;
	parameter SET_NORESET = 0;
	parameter ASYNC_SR = 0;
	parameter CIN_CONST = 0;
	parameter CIN_SET = 0;
	wire carry = CIN_CONST ? CIN_SET : CIN;
	wire table_out;
	SB_LUT4 #(.LUT_INIT(LUT_INIT)) lut (.O(table_out), .I0(I0), .I1(I1), .I2(I2), .I3(I3));
	assign COUT = (I1 & I2) | ((I1 | I2) & carry);
	assign LO = table_out;
	generate
		if (DFF_ENABLE) begin
			wire clock = NEG_CLK ? ~CLK : CLK;
			reg q = 1'b0;
			if (ASYNC_SR) begin
				always @(posedge clock or posedge SR)
					if (SR)
						q <= SET_NORESET;
					else if (CEN)
						q <= table_out;
			end else begin
				always @(posedge clock)
					if (CEN)
						q <= SR ? SET_NORESET : table_out;
			end
			assign O = q;
		end else
			assign O = table_out;
	endgenerate
endmodule

module ICESTORM_RAM (
	output RDATA_15, RDATA_14, RDATA_13, RDATA_12, RDATA_11, RDATA_10, RDATA_9, RDATA_8,
		RDATA_7, RDATA_6, RDATA_5, RDATA_4, RDATA_3, RDATA_2, RDATA_1, RDATA_0,
	input RCLK, RCLKE, RE,
	input RADDR_10, RADDR_9, RADDR_8, RADDR_7, RADDR_6, RADDR_5, RADDR_4, RADDR_3, RADDR_2,
		RADDR_1, RADDR_0,
	input WCLK, WCLKE, WE,
	input WADDR_10, WADDR_9, WADDR_8, WADDR_7, WADDR_6, WADDR_5, WADDR_4, WADDR_3, WADDR_2,
		WADDR_1, WADDR_0,
	input MASK_15, MASK_14, MASK_13, MASK_12, MASK_11, MASK_10, MASK_9, MASK_8, MASK_7,
		MASK_6, MASK_5, MASK_4, MASK_3, MASK_2, MASK_1, MASK_0,
	input WDATA_15, WDATA_14, WDATA_13, WDATA_12, WDATA_11, WDATA_10, WDATA_9, WDATA_8,
		WDATA_7, WDATA_6, WDATA_5, WDATA_4, WDATA_3, WDATA_2, WDATA_1, WDATA_0
);
	parameter WRITE_MODE = 0;
	parameter READ_MODE = 0;
	parameter NEG_CLK_R = 0;
	parameter NEG_CLK_W = 0;
	parameter [255:0] INIT_0 = 256'b0;
	parameter [255:0] INIT_1 = 256'b0;
	parameter [255:0] INIT_2 = 256'b0;
	parameter [255:0] INIT_3 = 256'b0;
	parameter [255:0] INIT_4 = 256'b0;
	parameter [255:0] INIT_5 = 256'b0;
	parameter [255:0] INIT_6 = 256'b0;
	parameter [255:0] INIT_7 = 256'b0;
	parameter [255:0] INIT_8 = 256'b0;
	parameter [255:0] INIT_9 = 256'b0;
	parameter [255:0] INIT_A = 256'b0;
	parameter [255:0] INIT_B = 256'b0;
	parameter [255:0] INIT_C = 256'b0;
	parameter [255:0] INIT_D = 256'b0;
	parameter [255:0] INIT_E = 256'b0;
	parameter [255:0] INIT_F = 256'b0;
	SB_RAM40_4K #(
		.WRITE_MODE(WRITE_MODE), .READ_MODE(READ_MODE),
		.INIT_0(INIT_0), .INIT_1(INIT_1), .INIT_2(INIT_2), .INIT_3(INIT_3),
		.INIT_4(INIT_4), .INIT_5(INIT_5), .INIT_6(INIT_6), .INIT_7(INIT_7),
		.INIT_8(INIT_8), .INIT_9(INIT_9), .INIT_A(INIT_A), .INIT_B(INIT_B),
		.INIT_C(INIT_C), .INIT_D(INIT_D), .INIT_E(INIT_E), .INIT_F(INIT_F)
	) memory (
		.RDATA({RDATA_15, RDATA_14, RDATA_13, RDATA_12, RDATA_11, RDATA_10, RDATA_9, RDATA_8,
			RDATA_7, RDATA_6, RDATA_5, RDATA_4, RDATA_3, RDATA_2, RDATA_1, RDATA_0}),
		.RADDR({RADDR_10, RADDR_9, RADDR_8, RADDR_7, RADDR_6, RADDR_5, RADDR_4, RADDR_3,
			RADDR_2, RADDR_1, RADDR_0}),
		.RCLK(NEG_CLK_R ? ~RCLK : RCLK), .RCLKE(RCLKE), .RE(RE),
		.WADDR({WADDR_10, WADDR_9, WADDR_8, WADDR_7, WADDR_6, WADDR_5, WADDR_4, WADDR_3,
			WADDR_2, WADDR_1, WADDR_0}),
		.WCLK(NEG_CLK_W ? ~WCLK : WCLK), .WCLKE(WCLKE), .WE(WE),
		.MASK({MASK_15, MASK_14, MASK_13, MASK_12, MASK_11, MASK_10, MASK_9, MASK_8, MASK_7,
			MASK_6, MASK_5, MASK_4, MASK_3, MASK_2, MASK_1, MASK_0}),
		.WDATA({WDATA_15, WDATA_14, WDATA_13, WDATA_12, WDATA_11, WDATA_10, WDATA_9, WDATA_8,
			WDATA_7, WDATA_6, WDATA_5, WDATA_4, WDATA_3, WDATA_2, WDATA_1, WDATA_0})
	);
endmodule

module ICESTORM_SPRAM (
	output DATAOUT_15, DATAOUT_14, DATAOUT_13, DATAOUT_12, DATAOUT_11, DATAOUT_10,
		DATAOUT_9, DATAOUT_8, DATAOUT_7, DATAOUT_6, DATAOUT_5, DATAOUT_4, DATAOUT_3, DATAOUT_2,
		DATAOUT_1, DATAOUT_0,
	input ADDRESS_13, ADDRESS_12, ADDRESS_11, ADDRESS_10, ADDRESS_9, ADDRESS_8, ADDRESS_7,
		ADDRESS_6, ADDRESS_5, ADDRESS_4, ADDRESS_3, ADDRESS_2, ADDRESS_1, ADDRESS_0,
	input DATAIN_15, DATAIN_14, DATAIN_13, DATAIN_12, DATAIN_11, DATAIN_10, DATAIN_9,
		DATAIN_8, DATAIN_7, DATAIN_6, DATAIN_5, DATAIN_4, DATAIN_3, DATAIN_2, DATAIN_1,
		DATAIN_0,
	input MASKWREN_3, MASKWREN_2, MASKWREN_1, MASKWREN_0,
	input WREN, CHIPSELECT, CLOCK, STANDBY, SLEEP, POWEROFF
);
	SB_SPRAM256KA memory (
		.DATAOUT({DATAOUT_15, DATAOUT_14, DATAOUT_13, DATAOUT_12, DATAOUT_11, DATAOUT_10,
			DATAOUT_9, DATAOUT_8, DATAOUT_7, DATAOUT_6, DATAOUT_5, DATAOUT_4, DATAOUT_3, DATAOUT_2,
			DATAOUT_1, DATAOUT_0}),
		.ADDRESS({ADDRESS_13, ADDRESS_12, ADDRESS_11, ADDRESS_10, ADDRESS_9, ADDRESS_8,
			ADDRESS_7, ADDRESS_6, ADDRESS_5, ADDRESS_4, ADDRESS_3, ADDRESS_2, ADDRESS_1,
			ADDRESS_0}),
		.DATAIN({DATAIN_15, DATAIN_14, DATAIN_13, DATAIN_12, DATAIN_11, DATAIN_10, DATAIN_9,
			DATAIN_8, DATAIN_7, DATAIN_6, DATAIN_5, DATAIN_4, DATAIN_3, DATAIN_2, DATAIN_1,
			DATAIN_0}),
		.MASKWREN({MASKWREN_3, MASKWREN_2, MASKWREN_1, MASKWREN_0}),
		.WREN(WREN), .CHIPSELECT(CHIPSELECT), .CLOCK(CLOCK),
		.STANDBY(STANDBY), .SLEEP(SLEEP), .POWEROFF(POWEROFF)
	);
endmodule

module ICESTORM_DSP (
	input CLK, CE, AHOLD, BHOLD, CHOLD, DHOLD, IRSTTOP, IRSTBOT, ORSTTOP, ORSTBOT, OLOADTOP,
		OLOADBOT, ADDSUBTOP, ADDSUBBOT, OHOLDTOP, OHOLDBOT, CI, ACCUMCI, SIGNEXTIN,
	input A_15, A_14, A_13, A_12, A_11, A_10, A_9, A_8, A_7, A_6, A_5, A_4, A_3, A_2, A_1, A_0,
	input B_15, B_14, B_13, B_12, B_11, B_10, B_9, B_8, B_7, B_6, B_5, B_4, B_3, B_2, B_1, B_0,
	input C_15, C_14, C_13, C_12, C_11, C_10, C_9, C_8, C_7, C_6, C_5, C_4, C_3, C_2, C_1, C_0,
	input D_15, D_14, D_13, D_12, D_11, D_10, D_9, D_8, D_7, D_6, D_5, D_4, D_3, D_2, D_1, D_0,
	output O_31, O_30, O_29, O_28, O_27, O_26, O_25, O_24, O_23, O_22, O_21, O_20, O_19, O_18, O_17,
		O_16, O_15, O_14, O_13, O_12, O_11, O_10, O_9, O_8, O_7, O_6, O_5, O_4, O_3, O_2, O_1, O_0,
	output CO, ACCUMCO, SIGNEXTOUT
);
	parameter NEG_TRIGGER = 0;
	parameter A_REG = 0;
	parameter B_REG = 0;
	parameter C_REG = 0;
	parameter D_REG = 0;
	parameter TOP_8x8_MULT_REG = 0;
	parameter BOT_8x8_MULT_REG = 0;
	parameter PIPELINE_16x16_MULT_REG1 = 0;
	parameter PIPELINE_16x16_MULT_REG2 = 0;
	parameter TOPOUTPUT_SELECT = 0;
	parameter TOPADDSUB_LOWERINPUT = 0;
	parameter TOPADDSUB_UPPERINPUT = 0;
	parameter TOPADDSUB_CARRYSELECT = 0;
	parameter BOTOUTPUT_SELECT = 0;
	parameter BOTADDSUB_LOWERINPUT = 0;
	parameter BOTADDSUB_UPPERINPUT = 0;
	parameter BOTADDSUB_CARRYSELECT = 0;
	parameter MODE_8x8 = 0;
	parameter A_SIGNED = 0;
	parameter B_SIGNED = 0;
	SB_MAC16 #(
		.NEG_TRIGGER(NEG_TRIGGER), .A_REG(A_REG), .B_REG(B_REG), .C_REG(C_REG), .D_REG(D_REG),
		.TOP_8x8_MULT_REG(TOP_8x8_MULT_REG), .BOT_8x8_MULT_REG(BOT_8x8_MULT_REG),
		.PIPELINE_16x16_MULT_REG1(PIPELINE_16x16_MULT_REG1),
		.PIPELINE_16x16_MULT_REG2(PIPELINE_16x16_MULT_REG2), .TOPOUTPUT_SELECT(TOPOUTPUT_SELECT),
		.TOPADDSUB_LOWERINPUT(TOPADDSUB_LOWERINPUT), .TOPADDSUB_UPPERINPUT(TOPADDSUB_UPPERINPUT),
		.TOPADDSUB_CARRYSELECT(TOPADDSUB_CARRYSELECT), .BOTOUTPUT_SELECT(BOTOUTPUT_SELECT),
		.BOTADDSUB_LOWERINPUT(BOTADDSUB_LOWERINPUT), .BOTADDSUB_UPPERINPUT(BOTADDSUB_UPPERINPUT),
		.BOTADDSUB_CARRYSELECT(BOTADDSUB_CARRYSELECT), .MODE_8x8(MODE_8x8), .A_SIGNED(A_SIGNED),
		.B_SIGNED(B_SIGNED)
	) multiplier (
		.CLK(CLK), .CE(CE), .AHOLD(AHOLD), .BHOLD(BHOLD), .CHOLD(CHOLD), .DHOLD(DHOLD),
		.IRSTTOP(IRSTTOP), .IRSTBOT(IRSTBOT), .ORSTTOP(ORSTTOP), .ORSTBOT(ORSTBOT),
		.OLOADTOP(OLOADTOP), .OLOADBOT(OLOADBOT), .ADDSUBTOP(ADDSUBTOP), .ADDSUBBOT(ADDSUBBOT),
		.OHOLDTOP(OHOLDTOP), .OHOLDBOT(OHOLDBOT), .CI(CI), .ACCUMCI(ACCUMCI),
		.SIGNEXTIN(SIGNEXTIN), .CO(CO), .ACCUMCO(ACCUMCO), .SIGNEXTOUT(SIGNEXTOUT),
		.A({A_15, A_14, A_13, A_12, A_11, A_10, A_9, A_8, A_7, A_6, A_5, A_4, A_3, A_2, A_1, A_0}),
		.B({B_15, B_14, B_13, B_12, B_11, B_10, B_9, B_8, B_7, B_6, B_5, B_4, B_3, B_2, B_1, B_0}),
		.C({C_15, C_14, C_13, C_12, C_11, C_10, C_9, C_8, C_7, C_6, C_5, C_4, C_3, C_2, C_1, C_0}),
		.D({D_15, D_14, D_13, D_12, D_11, D_10, D_9, D_8, D_7, D_6, D_5, D_4, D_3, D_2, D_1, D_0}),
		.O({O_31, O_30, O_29, O_28, O_27, O_26, O_25, O_24, O_23, O_22, O_21, O_20, O_19, O_18,
			O_17, O_16, O_15, O_14, O_13, O_12, O_11, O_10, O_9, O_8, O_7, O_6, O_5, O_4, O_3,
			O_2, O_1, O_0})
	);
endmodule
