"""``python -m console.cli``."""

import sys

from console.cli import main

sys.exit(main())
