"""Benchmarks: how fast golden model, virtual board and engine are, beside others."""
