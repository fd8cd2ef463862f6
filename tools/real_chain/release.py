"""The new release as the chain publishes it: a tar.gz with `bin/` and `lib/`, its digest in the plan."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import tarfile
import threading

from tools.go_build import Built, cache_folder
from tools.real_chain.recipes import DAEMON


def archive(built: Built) -> str:
    """Return the path of the release archive, packed at the first call."""
    path = os.path.join(cache_folder(), f"{os.path.basename(built.folder)}.tar.gz")
    if not os.path.exists(path):
        with tarfile.open(f"{path}.partial", "w:gz", compresslevel=1) as tar:
            tar.add(built.path, f"bin/{DAEMON}")
            for name in sorted(os.listdir(built.lib)):
                tar.add(os.path.join(built.lib, name), f"lib/{name}")
        os.rename(f"{path}.partial", path)
    return path


class Server:
    """Serves one archive on the loopback address and counts what it is asked for."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.requests: list[str] = []
        self.available = True
        self.closed = False
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                server.requests.append("HEAD")
                self._answered()

            def do_GET(self) -> None:
                server.requests.append("GET")
                if not self._answered():
                    return
                # A client that is stopped in the middle is what several modes are about.
                with contextlib.suppress(ConnectionError), open(server.path, "rb") as file:
                    while chunk := file.read(1 << 20):
                        self.wfile.write(chunk)

            def _answered(self) -> bool:
                if not server.available:
                    self.send_error(503)
                    return False
                self.send_response(200)
                self.send_header("Content-Length", str(os.path.getsize(server.path)))
                self.end_headers()
                return True

            def log_message(self, *_: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def plan_info(self) -> str:
        """Return the plan info that names this archive with its digest."""
        return json.dumps({"binaries": {"linux/amd64": f"{self.url}?checksum=sha256:{self.digest}"}})

    @property
    def url(self) -> str:
        """Address of the archive, without its digest."""
        return f"http://127.0.0.1:{self.http.server_address[1]}/{DAEMON}.tar.gz"

    @property
    def digest(self) -> str:
        """SHA-256 of the archive."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def close(self) -> None:
        """Take the server off the network."""
        if not self.closed:
            self.closed = True
            self.http.shutdown()
            self.http.server_close()
