"""Where a data set's four arrays are kept: a folder of IDX files, or NumPy's archive."""
