"""The console as a web application: one page, its files, one WebSocket. Anything else is not found.

A page of another site that is open in the operator's browser could reach loopback too, so connections are
accepted only from a page that this server itself delivered (by its Origin), under a name that it expects (by
its Host). The page may not be framed: a click on a hidden "Arm" would be a click.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from xview_deploy.console.desk import Desk
from xview_deploy.console.session import Session
from xview_deploy.console.settings import ConsoleSettings, is_loopback

PAGE = Path(__file__).parent / "static"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",  # after an update, an old page must not speak to a new server
}


def make_app(desk: Desk) -> ASGIApp:
    """The application for one robot's desk."""

    async def page(request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def connect(socket: WebSocket) -> None:
        await Session(socket, desk).serve()

    app = Starlette(
        routes=[
            Route("/", page),
            WebSocketRoute("/ws", connect),
            Mount("/static", StaticFiles(directory=PAGE)),
        ]
    )
    return OwnPagesOnly(app, desk.settings)


class OwnPagesOnly:
    """Refuses foreign hosts and origins, and adds the protective headers."""

    def __init__(self, app: ASGIApp, settings: ConsoleSettings) -> None:
        self._app = app
        self._only_loopback = is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] in ("http", "websocket") and (refusal := self._refusal(Headers(scope=scope))):
            if scope["type"] == "http":
                await PlainTextResponse(refusal, 403)(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": refusal})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _refusal(self, headers: Headers) -> str:
        host = headers.get("host", "")
        try:
            name = urlsplit(f"//{host}").hostname or ""
            origin = urlsplit(headers["origin"]).netloc if "origin" in headers else host
        except ValueError:
            return "expected a sound Host and Origin"
        if self._only_loopback and not is_loopback(name):
            return "expected a loopback host: open this page as http://localhost or http://127.0.0.1"
        return "" if origin == host else "expected a request of this console's own page"
