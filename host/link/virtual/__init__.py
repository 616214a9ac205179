"""The virtual board as a stream, as a serial port, and with faults on purpose."""
