"""The demo's configuration file: everything on loopback, one trunk to the simulated patients."""

from __future__ import annotations

import json
from pathlib import Path

LOOPBACK = "127.0.0.1"
FILE = "demo.toml"

_TEXT = """\
# Written anew by each start of `sansheng demo`. Copy it to make your own: sansheng serve --config FILE
data = "."
# the invented patients live in Hangzhou
home_area_code = "0571"

[http]
host = "{host}"
port = {http}

[headset]
port = {headset}

[sip]
host = "{host}"
port = {sip}
rtp_host = "{host}"

# Any number dialled on this trunk goes to the default queue. Calls out go to the simulated patients.
[[lines]]
name = "trunk"
mode = "trunk"
peers = ["{host}"]
proxy = "{host}:{patients}"
queue = "default"
caller_id = {caller_id}
"""

#: what the called party sees: the desk's own number
CALLER_ID = "057188000000"


def write_configuration(data: Path, http: int, headset: int, sip: int, patients: int) -> Path:
    """Writes ``DATA/demo.toml``; gives its path. ``patients`` is the UDP port of the simulated patients."""
    path = data / FILE
    path.write_text(
        _TEXT.format(
            host=LOOPBACK, http=http, headset=headset, sip=sip, patients=patients, caller_id=json.dumps(CALLER_ID)
        )
    )
    return path
