"""The gateware: an event-driven crossbar inference engine in Amaranth."""

if __name__ != "allspin.hdl":
    # Under a second name there would be a second copy of every class.
    raise ImportError(f"this is allspin.hdl, not {__name__}")
