"""What a comparison assumes: parts that surround neurons, and what hangs on each figure."""
