"""The gateware: an event-driven crossbar inference engine in Amaranth."""

if __name__ != "allspin.hdl":
    # A second name would import a second copy of every class.
    raise ImportError(f"this is allspin.hdl, not {__name__}")
