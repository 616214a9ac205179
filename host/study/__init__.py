"""Questions that people ask: chips, sweeps, fits, the paper, comparisons, benchmarks."""
