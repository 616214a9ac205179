"""Complete machines: the engine behind its link, on a board or as a native simulator."""

if __name__ != "allspin.boards":
    # A second name would import a second copy of every class.
    raise ImportError(f"this is allspin.boards, not {__name__}")
