"""Spin neurons against CMOS neurons: area, energy and time, from counted activity."""
