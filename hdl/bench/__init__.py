"""Benches for the gateware: what drives, watches and checks it in a simulator."""
