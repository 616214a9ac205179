"""The network's neurons against CMOS: area, energy, time, by synthesis and by published figures."""
