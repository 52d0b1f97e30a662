"""The built UI: hashed assets for ever, ``index.html`` for every page address, a clear page when nothing was built."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Match
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

FOLDER = Path(__file__).parent / "static"

_NOT_BUILT = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>三声 Sansheng</title></head>
<body><h1>界面尚未构建 · The user interface was not built</h1>
<p>请在项目目录运行 <code>make ui</code>，然后刷新本页。接口与话务功能已在运行。</p>
<p>Run <code>make ui</code> in the project folder and reload this page. The API and the telephone are running.</p>
</body></html>
"""


class UserInterface(StaticFiles):
    """Serves ``folder``; which need not be there yet."""

    def __init__(self, folder: Path = FOLDER) -> None:
        super().__init__(directory=folder, check_dir=False)
        # the folder may not be there: then a page says so
        self.config_checked = True
        self.folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # no socket lives here
            await receive()
            await send({"type": "websocket.close", "code": 4004, "reason": "no such socket"})
            return
        await super().__call__(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.split("/")[0] in ("api", "ws"):
            raise HTTPException(405 if _other_method(scope) else 404)
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405)
        index = self.folder / "index.html"
        if not index.is_file():
            return HTMLResponse(_NOT_BUILT, status_code=503, headers={"cache-control": "no-store"})
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            # an address of the app's own, such as /calls/0192…; a missing file stays missing
            if error.status_code != 404 or (path != "." and "." in path.rpartition("/")[2]):
                raise
            response = FileResponse(index)
        cacheable = path.startswith("assets/") and response.status_code in (200, 206, 304)
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if cacheable else "no-cache"
        return response


def _other_method(scope: Scope) -> bool:
    """Is there a route at this address for another method? The files stand behind all routes and would hide it."""
    whole = {**scope, "path": scope["path"], "root_path": scope.get("app_root_path", "")}
    return any(route.matches(whole)[0] is Match.PARTIAL for route in scope["app"].routes)
