"""A web server of this machine that drops connections, forgets ranges and changes its files."""

import http.server
import re
from typing import Any

DATA = bytes(i * i % 251 for i in range(300_000))


class Site(http.server.ThreadingHTTPServer):
    """Serves `data`; the attributes say how badly."""

    data = DATA
    tag: str | None = '"one"'
    ranges = True
    unstated = False  # the length
    drops: list[int]  # after so many bytes of each coming answer the connection ends
    statuses: list[int]  # refusals that come first
    lie = False  # about where a range begins

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.drops, self.statuses, self.asked = [], [], []  # type: ignore[var-annotated]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/a.tgz"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Site

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        site = self.server
        site.asked.append(dict(self.headers))
        if site.statuses:
            self.send_error(site.statuses.pop(0))
            return
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted and site.ranges and self.headers.get("If-Range") == site.tag else 0
        if start >= len(site.data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start + site.lie}-{len(site.data) - 1}/{len(site.data)}")
        if site.tag:
            self.send_header("ETag", site.tag)
        if not site.unstated:
            self.send_header("Content-Length", str(len(site.data) - start))
        self.end_headers()
        rest = site.data[start:]
        self.wfile.write(rest[: site.drops.pop(0)] if site.drops else rest)
