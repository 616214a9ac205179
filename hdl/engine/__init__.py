"""All layers overlapped: loading, reading back, the readout of logits, the counters."""
