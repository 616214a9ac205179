"""``python -m host`` is the command line, for when no console script is installed."""

import sys

from host.cli.main import main

sys.exit(main())
