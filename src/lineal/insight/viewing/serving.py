"""A page for this machine alone: on the loopback interface, at an address that nobody guesses."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["PageServer"]

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HOST = "127.0.0.1"


class PageServer(ThreadingHTTPServer):
    """Serves what `make_page` returns, made anew for each request, at `address`; all else is not found."""

    daemon_threads = True

    def __init__(self, make_page: Callable[[], str], port: int = 0):
        super().__init__((HOST, port), Handler)
        self.make_page = make_page
        self.path = f"/{secrets.token_urlsafe(24)}/"

    @property
    def address(self) -> str:
        """The page's address, with the token."""
        return f"http://{HOST}:{self.server_port}{self.path}"


class Handler(BaseHTTPRequestHandler):
    """Answers a request, if it names the machine as it is and knows the token: other pages of the browser know neither."""

    server: PageServer
    server_version, sys_version = "lineal", ""

    def do_GET(self) -> None:
        """Answer with the page, or 404."""
        named = self.headers.get("Host", "") in (f"{HOST}:{self.server.server_port}", f"localhost:{self.server.server_port}")
        if not named or not secrets.compare_digest(self.path.encode(), self.server.path.encode()):
            self.send_error(404)
            return
        try:
            page = self.server.make_page().encode()
        except (OSError, ValueError) as error:
            self.send_error(500, explain=str(error))
            return
        self.send_response(200)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the token would stand there."""
