"""``python -m allspin`` is the command line; the console script calls the same function."""

import sys


def main() -> int:
    """Run the command line; Ctrl-C is a line also while its modules are imported."""
    try:
        from allspin.host.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("allspin: interrupted\n")
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
