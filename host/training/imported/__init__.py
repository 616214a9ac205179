"""Networks of other tools, brought to the machine's integers and trained on there."""
