"""Commands on boards: which there are, their bitstreams and netlists."""
