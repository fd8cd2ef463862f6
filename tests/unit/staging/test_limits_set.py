"""What the operator sets for downloads is what a download keeps to."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.support.file_server import Exchange
from tests.support.staging_home import PROGRAM, Home

from cosmovisor.staging.outcome import NotYet


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_as_many_unfinished_downloads_of_other_plans_stay_as_are_wanted(tmp_path: Path, keep: int) -> None:
    home = Home(tmp_path, cosmovisor_staging_keep=keep)
    try:
        folder = Path(home.layout.staging, "downloads")
        folder.mkdir(parents=True)
        for number in range(5):
            begun = folder / (f"{number}" * 64)
            begun.write_bytes(b"begun")
            os.utime(begun, (number, number))
        home.stage(home.info(home.serve(PROGRAM)))
        newest = [f"{number}" * 64 for number in range(5 - keep, 5)]
        assert sorted(path.name for path in folder.iterdir()) == newest
    finally:
        home.close()


def test_a_server_that_never_comes_to_an_end_is_left_in_time(tmp_path: Path) -> None:
    home = Home(tmp_path, cosmovisor_download_timeout=1.0)
    home.network = None
    ended: list[str] = []

    def drip(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            # Fast enough for the rule against servers that stall, and never through with it.
            while not home.server.closing.wait(0.01):
                exchange.send(bytes(4096))
        except OSError:
            ended.append("left")

    try:
        url = home.serve(PROGRAM)
        home.server.files["/testd"] = drip
        began = time.monotonic()
        with pytest.raises(NotYet) as caught:
            home.stage(home.info(url))
        assert time.monotonic() - began < 60  # without the setting it would take half an hour
        assert "time" in caught.value.cause
        assert not os.path.exists(home.path())
    finally:
        home.close()
