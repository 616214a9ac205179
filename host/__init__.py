"""Training, the host's end of the link, pictures and the command line."""
