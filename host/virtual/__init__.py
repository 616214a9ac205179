"""The virtual board: a process that simulates the gateware, as a transport and as a serial port."""
