"""Benches in cocotb: clock and reset, streams, an engine, a complete machine behind its UART."""
