"""A local web server that can break off connections, state wrong sizes and refuse ranges."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Behaviour:
    """How the server answers.

    Attributes:
        files: content by file name.
        ranges: whether requests for a part of a file are supported.
        cut_at: bytes after which a connection is closed, the first `cuts` times; None never.
        cuts: number of connections that are closed early.
        stated_length: value of Content-Length in place of the true one.
        asked: the Range headers that were received, "" for a whole file.
    """

    files: dict[str, bytes]
    ranges: bool = True
    cut_at: int | None = None
    cuts: int = 10**6
    stated_length: int | None = None
    asked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """Runs a server with this behaviour and yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            behaviour.asked.append(asked)
            content = behaviour.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            start = int(re.findall(r"\d+", asked)[0]) if asked and behaviour.ranges else 0
            if start and start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            rest = content[start:]
            self.send_header("Content-Length", str(behaviour.stated_length or len(rest)))
            self.end_headers()
            if behaviour.cut_at is not None and behaviour.cuts > 0:
                behaviour.cuts -= 1
                rest = rest[: behaviour.cut_at]
            with contextlib.suppress(OSError):
                self.wfile.write(rest)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
