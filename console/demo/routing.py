"""The demo's routing: the hotline rings at its queue as it would untouched, a second number answers with the menu."""

from __future__ import annotations

from sqlalchemy import Connection

from console.config import ConsoleConfig
from console.demo.numbers import MENU_LINE
from console.routing.documents import plain
from storage import routing
from telephony.routing.default_routing import default_routing


def load_demo_routing(conn: Connection, config: ConsoleConfig) -> bool:
    """Save the demo's document where none was ever saved; False where somebody's is in force."""
    if not config.lines or routing.newest_version(conn):
        return False
    document = plain(default_routing(config.lines))
    line = config.lines[0].name
    through_the_menu = {"line": line, "dialled": MENU_LINE, "to": {"kind": "menu", "menu": "main"}}
    document["entries"] = [through_the_menu, *document["entries"]]
    routing.save(conn, document, 0, "demo", "演示:总机菜单 / demo: the main menu")
    return True
