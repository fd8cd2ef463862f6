"""A client of the node's RPC for the checker. It shares no code with the program under test."""

from __future__ import annotations

import base64
import calendar
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

LIMIT = 1 << 22


class NotInTimeError(Exception):
    """What was waited for did not happen in time."""


def wait_until(what: str, check: Callable[[], Any], seconds: float = 60, pause: float = 0.05) -> Any:
    """Ask until the answer is true and return it.

    Raises:
        NotInTimeError: Names what was waited for.
    """
    end = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > end:
            raise NotInTimeError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)


class Rpc:
    """The RPC of one node on the loopback address."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def address(self) -> str:
        """The address as the daemon's commands take it."""
        return f"tcp://127.0.0.1:{self.port}"

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Call a method and return its result; an empty one where nobody answers."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                document = json.loads(answer.read(LIMIT))
        except (OSError, ValueError, urllib.error.URLError):
            return {}
        result = document.get("result")
        return result if isinstance(result, dict) else {}

    def raw(self, method: str) -> bytes:
        """Return the exact bytes of an answer."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bytes(answer.read(LIMIT))

    def height(self) -> int:
        """Return the block-store height; 0 where nobody answers."""
        return int(self.call("status").get("sync_info", {}).get("latest_block_height", 0))

    def catching_up(self) -> bool:
        """Tell whether the node says that it syncs."""
        return bool(self.call("status").get("sync_info", {}).get("catching_up", False))

    def app(self) -> tuple[int, str]:
        """Return the application's height and version text."""
        response = self.call("abci_info").get("response", {})
        return int(response.get("last_block_height", 0)), str(response.get("version", ""))

    def header_time(self, height: int) -> float:
        """Return the time of a block header, in seconds since the epoch."""
        text = self.call("block", height=str(height))["block"]["header"]["time"]
        seconds, _, fraction = text.rstrip("Z").partition(".")
        parsed = time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")
        return float(calendar.timegm(parsed)) + float(f"0.{fraction or 0}")

    def applied_height(self, plan: str) -> int:
        """Return the height at which the chain applied a plan; 0 if it did not."""
        query = bytes((0x0A, len(plan))) + plan.encode()
        value = self._query("/cosmos.upgrade.v1beta1.Query/AppliedPlan", query)
        height = shift = 0
        for byte in value[1:]:  # field 1, a varint
            height |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return height

    def has_plan(self) -> bool:
        """Tell whether the chain has a scheduled plan."""
        return bool(self._query("/cosmos.upgrade.v1beta1.Query/CurrentPlan", b""))

    def _query(self, path: str, data: bytes) -> bytes:
        response = self.call("abci_query", path=path, data=data.hex()).get("response", {})
        return base64.b64decode(response.get("value") or "")
