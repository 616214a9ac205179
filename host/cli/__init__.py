"""The command line: `main`, its parser, and commands by subject, one module for each."""
