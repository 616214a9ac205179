"""Networks of other tools: their files, read within limits, as layers of real numbers."""
