"""Stands before a node's RPC and counts what it is asked."""

from __future__ import annotations

import http.client
import http.server
import threading


class CountingProxy:
    """Passes requests on to another address.

    Attributes:
        port: Where it listens.
        host: Where the node listens.
        target: Its port.
        requests: How many requests have come.
    """

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.target = 0
        self.requests = 0
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._pass_on(b"")

            def do_POST(self) -> None:
                self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def _pass_on(self, body: bytes) -> None:
                proxy.requests += 1
                node = http.client.HTTPConnection(proxy.host, proxy.target, timeout=10)
                try:
                    kind = {"Content-Type": self.headers.get("Content-Type", "application/json")}
                    node.request(self.command, self.path, body, kind)
                    answer = node.getresponse()
                    content = answer.read()
                except (OSError, http.client.HTTPException):
                    self.send_error(502)
                    return
                finally:
                    node.close()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = int(self.http.server_address[1])
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self.http.shutdown()
        self.http.server_close()
