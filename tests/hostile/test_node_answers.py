"""Whatever answers on the RPC port: nothing is believed that is not a good answer, and nothing holds or fills us."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import socket
import threading
import time
import tracemalloc

import pytest

from cosmovisor.chain import gov, http, upgrade
from cosmovisor.chain.rpc import Rpc
from cosmovisor.model.errors import ChainError
from cosmovisor.scout.follower import Follower
from cosmovisor.scout.sources import Sources
from tests.support.scripted_rpc import ScriptedRpc, http_answer, status

GOOD = {"jsonrpc": "2.0", "id": 1, "result": status(10)}
#: Seconds for an exchange that must end by its deadline, and the most that a loaded machine may make of it.
SHORT, LIMIT = 0.4, 60.0


def body(result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()


def text(data: bytes) -> bytes:
    return http_answer(data)


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


FINE = json.dumps(GOOD).encode()

# What is sent, whole, and then closed.
SENT = {
    "nothing": b"",
    "garbage": bytes(range(256)) * 40,
    "not http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half a status line": b"HTTP/1.1 20",
    "headers without end": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
    "a header of a megabyte": b"HTTP/1.1 200 OK\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n" + FINE,
    "ten thousand headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n" + FINE,
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "a redirect with an answer": http_answer(FINE, "301 Moved Permanently", "Location: file:///etc/passwd"),
    "unauthorised": http_answer(FINE, "401 Unauthorized"),
    "not found": http_answer(FINE, "404 Not Found"),
    "another success": http_answer(FINE, "206 Partial Content"),
    "an error of a proxy": http_answer(b"<html>bad gateway</html>", "502 Bad Gateway"),
    "gzip": http_answer(gzip.compress(FINE), "200 OK", "Content-Encoding: gzip"),
    "less than promised": b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + FINE,
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n[",
    "a length beyond the limit": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{",
    "a chunk that ends early": chunked(FINE[:20], end=b"ffff\r\nabc"),
    "a chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
    "a chunk of a negative size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n",
    "a chunk of a giant size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 400 + b"\r\nabc",
    "an empty body": text(b""),
    "another json": text(b"[]"),
    "a json text": text(b'"ok"'),
    "null": text(b"null"),
    "json with a tail": text(FINE + b"}"),
    "not utf-8": text(FINE.replace(b"test-1", b"\xff\xfe")),
    "utf-16": text(FINE.decode().encode("utf-16")),
    "a deep list": text(b"[" * 200_000),
    "a deep object": text(b'{"result":' * 100_000),
    "a deep list in the answer": text(body(status(10)).replace(b'"test-1"', b"[" * 50_000 + b"]" * 50_000)),
    "no result": text(b'{"jsonrpc":"2.0","id":1}'),
    "an error": text(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"boom","data":"x"}}'),
    "an error beside a result": text(json.dumps({**GOOD, "error": "boom"}).encode()),
    "an error of another kind": text(b'{"error":[[]],"result":{}}'),
    "a giant number": text(FINE.replace(b'"10"', b"1" * 100_000)),
    "not a number": text(FINE.replace(b'"10"', b"NaN")),
    "infinity": text(FINE.replace(b'"10"', b"Infinity")),
    "a fraction": text(FINE.replace(b'"10"', b"10.0")),
}  # fmt: skip


@pytest.mark.parametrize("name", SENT)
def test_what_is_no_good_answer_is_refused(name):
    with ScriptedRpc(raw=lambda sock, _: sock.sendall(SENT[name])) as server:
        started = time.monotonic()
        with pytest.raises(ChainError) as caught:
            Rpc(server.address, timeout=20).status()
        assert time.monotonic() - started < LIMIT
        assert len(caught.value.cause) < 500


RESULTS = {
    "no node": {**status(), "node_info": None},
    "node is a list": {**status(), "node_info": []},
    "no sync": {"node_info": status()["node_info"]},
    "chain is a number": {**status(), "node_info": {"network": 5}},
    "chain is empty": {**status(), "node_info": {"network": ""}},
    "chain of a megabyte": {**status(), "node_info": {"network": "x" * (1 << 20)}},
    "catching up is a text": status(catching_up="false"),
    "catching up is missing": status(catching_up=None),
    "height is a list": status(latest_block_height=[10]),
    "height is true": status(latest_block_height=True),
    "height beyond int64": status(latest_block_height=str(1 << 63)),
    "negative height": status(latest_block_height="-1"),
    "height with blanks": status(latest_block_height=" 10 "),
    "height in other digits": status(latest_block_height="١٠"),
    "height with a sign": status(latest_block_height="+10"),
    "height with marks": status(latest_block_height="1_0"),
    "hexadecimal": status(latest_block_height="0xa"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_field_of_another_kind_is_refused(name):
    data = text(body(RESULTS[name]))
    with ScriptedRpc(raw=lambda sock, _: sock.sendall(data)) as server, pytest.raises(ChainError):
        Rpc(server.address, timeout=20).status()


HARMLESS = {
    "no validator": {**status(), "validator_info": None},
    "validator is a list": {**status(), "validator_info": []},
    "power is a text": {**status(), "validator_info": {"address": "x", "voting_power": "much"}},
    "no time": status(latest_block_time=None),
    "a time of another kind": status(latest_block_time=17),
    "a time that is none": status(latest_block_time="yesterday, at noon o'clock"),
    "a time in the year 99999": status(latest_block_time="99999-01-01T00:00:00Z"),
    "the zero time": status(latest_block_time="0001-01-01T00:00:00Z"),
    "more fields": {**status(), "more": {"and": ["more"]}},
    "an old height that is none": status(earliest_block_height={}),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_nothing_depends_on_may_be_anything(name):
    with ScriptedRpc({"status": HARMLESS[name]}) as server:
        found = Rpc(server.address, timeout=20).status()
    assert (found.height, found.chain_id) == (10, "test-1")


def test_chunks_are_put_together():
    data = chunked(FINE[:7], FINE[7:8], FINE[8:])
    with ScriptedRpc(raw=lambda sock, _: sock.sendall(data)) as server:
        assert Rpc(server.address, timeout=20).status().height == 10


def test_an_answer_without_a_length_ends_with_the_connection():
    with ScriptedRpc(raw=lambda sock, _: sock.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + FINE)) as server:
        assert Rpc(server.address, timeout=20).status().height == 10


def test_an_error_of_the_node_itself_is_read_although_its_status_is_500():
    error = (
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":"no such block"}}'
    )
    data = http_answer(error, "500 Internal Server Error")
    with (
        ScriptedRpc(raw=lambda sock, _: sock.sendall(data)) as server,
        pytest.raises(ChainError, match="no such"),
    ):
        Rpc(server.address, timeout=20).call("block", {"height": "99"})


def drip(*pieces: bytes, pause: float = 0.02):
    """Sends pieces for ever, one after the other, so that a limit on a single read never strikes."""

    def send(sock: socket.socket, _: bytes) -> None:
        for piece in itertools.chain(pieces[:1], itertools.cycle(pieces[1:] or pieces)):
            sock.sendall(piece)
            time.sleep(pause)

    return send


def silent(sock: socket.socket, _: bytes) -> None:
    while sock.recv(1):
        pass


SLOW = {
    "says nothing": silent,
    "a status line letter by letter": drip(b"H"),
    "headers without end": drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "one header without end": drip(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "a body letter by letter": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", b" "),
    "a body without length": drip(b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    "chunks without end": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "trailers without end": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "continue for ever": drip(b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_server_that_never_ends_is_left_at_the_deadline(name):
    with ScriptedRpc(raw=SLOW[name]) as server:
        started = time.monotonic()
        with pytest.raises(ChainError):
            Rpc(server.address, timeout=SHORT).status()
        assert time.monotonic() - started < LIMIT


def test_a_server_that_accepts_and_never_reads_is_left_at_the_deadline():
    listener = socket.create_server(("127.0.0.1", 0), backlog=1)
    try:
        started = time.monotonic()
        with pytest.raises(ChainError):
            http.exchange(f"127.0.0.1:{listener.getsockname()[1]}", b"x" * (64 << 20), SHORT)
        assert time.monotonic() - started < LIMIT
    finally:
        listener.close()


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
)
def test_an_endless_answer_is_left_at_the_size_limit_and_fills_no_memory(head):
    def flood(sock: socket.socket, _: bytes) -> None:
        piece = b" " * 65536
        sock.sendall(head)
        while True:
            sock.sendall(b"10000\r\n" + piece + b"\r\n" if b"chunked" in head else piece)

    with ScriptedRpc(raw=flood) as server:
        tracemalloc.start()
        try:
            with pytest.raises(ChainError, match="larger than"):
                Rpc(server.address, timeout=60).status()
            assert tracemalloc.get_traced_memory()[1] < 4 * http.ANSWER_LIMIT
        finally:
            tracemalloc.stop()


QUERIES = {
    "no response": {},
    "response is a list": {"response": []},
    "code is a text": {"response": {"code": "0", "value": ""}},
    "code is true": {"response": {"code": True}},
    "value is a number": {"response": {"code": 0, "value": 5}},
    "value is no base64": {"response": {"code": 0, "value": "!!!!"}},
    "value is broken base64": {"response": {"code": 0, "value": "CiwKB3Yy"[:-1]}},
    "value is no message": {"response": {"code": 0, "value": base64.b64encode(b"\xff" * 50).decode()}},
    "an error of the application": {"response": {"code": 18, "log": "x" * 100_000, "codespace": "sdk"}},
    "an error with a log of another kind": {"response": {"code": 18, "log": {"a": 1}}},
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_that_is_no_good_answer_is_refused(name):
    with ScriptedRpc(raw=lambda sock, _: sock.sendall(text(body(QUERIES[name])))) as server:
        for ask in (upgrade.current_plan, upgrade.authority, gov.proposals):
            with pytest.raises(ChainError) as caught:
                ask(Rpc(server.address, timeout=20))
            assert len(caught.value.cause) < 500


@pytest.mark.parametrize(
    "address",
    [
        "",
        "tcp://",
        "tcp://:",
        "tcp://h:0",
        "tcp://h:70000",
        "tcp://h:x",
        "ftp://h:1",
        "unix://",
        "unix:///no/such/socket",
        "http://[::1",
        "tcp://\x00:1",
        "http://a b:1",
        "tcp://" + "a" * 5000 + ":1",
    ],
)
def test_an_address_that_is_none_is_an_error(address):
    with pytest.raises(ChainError):
        Rpc(address, timeout=SHORT).status()


def test_secrets_in_an_address_are_not_in_the_error():
    with pytest.raises(ChainError) as caught:
        Rpc("https://user:hunter2@127.0.0.1:1/key-hunter2?token=hunter2", timeout=SHORT).status()
    assert "hunter2" not in caught.value.cause


def test_two_answers_at_once_do_not_mix():
    with ScriptedRpc({"status": status(10), "abci_info": {"response": {"last_block_height": "9"}}}) as server:
        rpc = Rpc(server.address, timeout=30)
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda: found.append(Rpc(server.address, 30).status().height))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        assert rpc.abci_info().height == 9
        for thread in threads:
            thread.join()
        assert found == [10] * 8


EVERYTHING = SENT | {name: text(body(result)) for name, result in (RESULTS | QUERIES).items()}


@pytest.mark.parametrize("after", ["at the status", "at the queries"])
def test_the_scout_survives_all_of_them_and_believes_none(after):
    heard: list[str] = []

    class Told:
        def known_plan(self, plan: object) -> None:
            heard.append(f"plan {plan}")

        def __getattr__(self, name: str):
            return lambda value: None

    clock = itertools.count(0, 1000).__next__
    turns = iter(EVERYTHING.values())

    def answer(sock: socket.socket, request: bytes) -> None:
        if b'"status"' in request and after == "at the queries":
            sock.sendall(text(FINE))
        else:
            sock.sendall(next(turns, b""))

    with ScriptedRpc(raw=answer) as server:
        follower = Follower(
            Sources([Rpc(server.address, 20)], clock=clock), Told(), None, lambda *_: None, clock
        )
        for _ in range(len(EVERYTHING)):
            assert follower.step() > 0
    assert heard == []
    assert next(turns, None) is None
