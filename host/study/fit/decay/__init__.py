"""Fits of decays, R_AH against time since it was written, by thermal activation."""
