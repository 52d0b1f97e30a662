"""An agent without a browser: the console's own API and sockets, for tests, measurements and operations."""

from console.headless_agent.agent import HeadlessAgent
from console.headless_agent.command import add_arguments, run
from console.headless_agent.console_api import ConsoleRefused

__all__ = ["ConsoleRefused", "HeadlessAgent", "add_arguments", "run"]
