"""Simulation of the gateware with cocotb: drivers, monitors and a bench for the engine."""
