"""A chat endpoint on this machine that answers as a test tells it to, and keeps what it was asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Told:
    """What the endpoint does next: an answer in words, or a status with headers and a body."""

    text: str | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    drips: str | None = None  # "headers" or "body": a few bytes of these every 20 ms, without end
    before: Callable[[], None] = lambda: None


@dataclass
class Stub:
    """`answer(question, number)` of the question number 0, 1, ..."""

    answer: Callable[[str, int], Told]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)  # bodies
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def completion(text: Any, model: str = "stub-1") -> str:
    return json.dumps({"model": model, "choices": [{"message": {"role": "assistant", "content": text}}]})


@contextmanager
def served(answer: Callable[[str, int], Told]) -> Iterator[Stub]:
    """The endpoint, for as long as the block."""
    stub = Stub(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            number = len(stub.asked)
            stub.asked.append(body)
            stub.headers.append(dict(self.headers))
            stub.paths.append(self.path)
            told = stub.answer(body["messages"][0]["content"], number)
            told.before()
            content = (completion(told.text) if told.body is None else told.body).encode()
            try:
                self.send_response(told.status)
                if told.drips:
                    self.drip(told.drips)
                for key, value in told.headers.items():
                    self.send_header(key, value.encode().decode("latin-1"))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # the client did not wait
                pass

        def drip(self, what: str) -> None:
            if what == "body":
                self.end_headers()
            self.flush_headers()
            for _ in range(500):  # until the client closes
                self.wfile.write(b" " if what == "body" else b"X-Drop: 1\r\n")
                time.sleep(0.02)

        def log_message(self, *_: Any) -> None:
            """Tests are silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
