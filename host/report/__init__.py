"""The report: one HTML page of what a network is, does and costs, with nothing outside it."""
