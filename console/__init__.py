"""The web application, one folder a desk; the command line; the one place that wires all rooms together."""

__version__ = "0.1.0"
