"""The socket's client: bounded, and every failure names the next step."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from cosmovisor.model.errors import StateError
from cosmovisor.observe import client
from cosmovisor.storage import locks


@pytest.fixture
def listen(tmp_path, monkeypatch):
    """Serve one connection with these bytes; returns the path and what was received."""
    servers = []

    def start(answer, folder=""):
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        server = socket.socket(socket.AF_UNIX)
        monkeypatch.chdir(place)
        server.bind("sock")
        server.listen(1)
        got = []

        def serve():
            peer, _ = server.accept()
            with peer:
                got.append(peer.recv(65536))
                try:
                    peer.sendall(answer)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        servers.append((server, thread))
        return str(place / "sock"), got

    yield start
    for server, thread in servers:
        thread.join(30)
        server.close()


def test_a_question_and_its_answer(listen):
    path, got = listen(b'{"ok": true, "x": [1]}\nmore')
    assert client.ask(path, {"ask": "status"}) == {"ok": True, "x": [1]}
    assert got == [b'{"ask": "status"}\n']


@pytest.mark.needs("linux")
def test_a_path_longer_than_an_address(listen):
    path, _ = listen(b"{}\n", "/".join(["d" * 60] * 4))
    assert len(path) > 200
    assert client.ask(path, {}) == {}


def test_an_error_brings_its_next_step(listen):
    path, _ = listen(b'{"error": "cannot do it", "next": "Do that."}\n')
    with pytest.raises(StateError) as caught:
        client.ask(path, {"do": "x"})
    assert (caught.value.cause, caught.value.next_step) == ("cannot do it", "Do that.")


@pytest.mark.parametrize("answer", [b"", b"not json\n", b"[]\n", b"[" * 100_000 + b"\n"])
def test_an_answer_that_cannot_be_read(listen, answer):
    path, _ = listen(answer)
    with pytest.raises(StateError):
        client.ask(path, {})


def test_an_answer_without_end_is_cut(listen, monkeypatch):
    monkeypatch.setattr(client, "LARGEST", 100_000)
    path, _ = listen(b"x" * 2_000_000)
    with pytest.raises(StateError, match="no answer"):
        client.ask(path, {})


def test_silence_ends(tmp_path):
    server = socket.socket(socket.AF_UNIX)
    path = str(tmp_path / "s")
    server.bind(path)
    server.listen(1)
    with pytest.raises(StateError, match="within"):
        client.ask(path, {}, timeout=0.05)
    server.close()
    with pytest.raises(StateError, match="no supervisor listens"):
        client.ask(path, {})
    os.unlink(path)
    with pytest.raises(StateError, match="no supervisor listens"):
        client.ask(path, {})


def test_a_supervisor_that_starts_or_reloads_is_waited_for(tmp_path):
    place = tmp_path / "home"
    place.mkdir()
    path = str(place / "sock")
    tried = threading.Event()
    connect = client.connect

    def late():
        assert tried.wait(60)
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(1)
        peer, _ = server.accept()
        with peer, server:
            peer.recv(65536)
            peer.sendall(b'{"ok": true}\n')

    def counted(*words):
        try:
            return connect(*words)
        finally:
            tried.set()

    thread = threading.Thread(target=late, daemon=True)
    thread.start()
    with locks.hold(str(place / "supervisor.lock")), pytest.MonkeyPatch.context() as patched:
        patched.setattr(client, "connect", counted)
        patched.setattr(client, "_STARTING", 60.0)
        assert client.ask(path, {"do": "recheck"}, 60.0) == {"ok": True}
    thread.join(60)


def test_without_a_supervisor_nobody_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(client.time, "sleep", lambda _seconds: pytest.fail("it waits"))
    (tmp_path / "supervisor.lock").touch()
    with pytest.raises(StateError, match="no supervisor listens"):
        client.ask(str(tmp_path / "sock"), {"do": "recheck"})
