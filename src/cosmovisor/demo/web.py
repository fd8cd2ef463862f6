"""A small HTTP server for release files on the loopback interface, with faults on demand."""

from __future__ import annotations

import http.server
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Releases:
    """Serves files by path from memory; each path can be given a fault.

    Attributes:
        files: Path → content.
        faults: Path → `missing` (404), `cut` (ends in the middle), `stall` (stops in the middle, open).
        requests: Every request as `METHOD /path`, in order.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, str] = {}
        self.requests: list[str] = []
        self.closing = threading.Event()
        releases = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_HEAD(self) -> None:
                releases._answer(self, with_body=False)

            def do_GET(self) -> None:
                releases._answer(self, with_body=True)

            def log_message(self, *_: object) -> None:
                """Say nothing; requests are kept instead."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def _answer(self, request: http.server.BaseHTTPRequestHandler, *, with_body: bool) -> None:
        path = request.path.split("?")[0]
        self.requests.append(f"{request.command} {path}")
        fault, content = self.faults.get(path, ""), self.files.get(path)
        if content is None or fault == "missing":
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.send_header("Content-Type", "application/octet-stream")
        request.end_headers()
        if not with_body:
            return
        if not fault:
            request.wfile.write(content)
            return
        request.wfile.write(content[: len(content) // 2])
        request.wfile.flush()
        request.close_connection = True
        end = time.monotonic() + 60
        while fault == "stall" and time.monotonic() < end and not self.closing.wait(0.1):
            pass

    def close(self) -> None:
        """Stop serving; connections are refused from here on."""
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
