"""Files as instruments write them: tables found, columns told apart, curves cut and cleaned."""
