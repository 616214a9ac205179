"""All layers overlapped, with the readout of logits and the counters."""
