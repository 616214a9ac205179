"""Networks run on machines: scored, compared with the golden model, simulated in HDL."""
