"""A process of one program: runs what each line of JSON asks for, and answers with one of its own.

It ends when whoever asks has ended.
"""

import json
import os
import signal
import sys

from tests.bench.peers import Program, run


def main() -> int:
    """Serve standard input."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # some programs print as they are imported
    for line in sys.stdin:
        took, accuracy = run(Program(**json.loads(line)))
        answers.write(json.dumps([took.wall, took.processor, accuracy]) + "\n")
        answers.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
