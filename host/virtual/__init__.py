"""The virtual board: a compiled machine behind a pipe, a line with faults, a pseudo-terminal."""
