"""Commands on a network's gateware: simulated, exported, behind a port."""
