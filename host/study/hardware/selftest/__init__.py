"""A self-test of a machine behind the link, by the link alone."""
