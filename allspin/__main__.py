"""``python -m allspin`` is the command line, for when no console script is installed."""

import sys

from allspin.host.cli.main import main

sys.exit(main())
