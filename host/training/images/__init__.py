"""Images that are learnt from: bent as digits vary, in batches, and some kept apart."""
