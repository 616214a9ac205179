"""Networks of other programs: read, and quantised to devices."""
