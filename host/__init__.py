"""Training, the host's end of the link, pictures and the command line."""

if __name__ != "allspin.host":
    # Under a second name there would be a second copy of every class.
    raise ImportError(f"this is allspin.host, not {__name__}")
