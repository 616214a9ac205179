"""The engine for other people's tools: Verilog, and what its memories hold."""
