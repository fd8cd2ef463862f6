"""Proxies, addresses and signatures."""

from __future__ import annotations

import threading

import pytest
from tests.support import authority
from tests.support.file_server import LIMITS, Server
from tests.support.staging_home import PROGRAM

from cosmovisor.model.errors import StagingError
from cosmovisor.staging import minisign
from cosmovisor.staging.connection import Refused
from cosmovisor.staging.fetch import Order, fetch
from cosmovisor.staging.network import Network, refusal_of


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("93.184.216.34", False), ("2606:2800:220:1::1", False), ("127.0.0.1", True), ("10.0.0.1", True), ("::1", True),
        ("::ffff:10.0.0.1", True), ("::ffff:93.184.216.34", False), ("64:ff9b::5db8:d822", False), ("64:ff9b::a00:1", True),
        ("2002:a00:1::1", True), ("fe80::1%eth0", True), ("100.64.0.1", True), ("nonsense", True), ("224.0.0.1", True),
    ],
)  # fmt: skip
def test_public_means_public_also_inside_other_addresses(address, refused):
    assert bool(refusal_of(address)) == refused


@pytest.mark.parametrize(
    ("environ", "scheme", "host", "expected"),
    [
        ({}, "https", "x.org", ""),
        ({"HTTPS_PROXY": "http://p:3128"}, "https", "x.org", "http://p:3128"),
        ({"https_proxy": "p:3128"}, "https", "x.org", "http://p:3128"),
        ({"http_proxy": "http://p:1"}, "https", "x.org", ""),
        ({"ALL_PROXY": "http://p:1"}, "https", "x.org", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.org, .x.org"}, "https", "y.x.org", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x.org"}, "https", "yx.org", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https", "x.org", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "https", "10.1.2.3", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x.org:444"}, "https", "x.org", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x.org:443"}, "https", "x.org", ""),
        ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "http", "x.org", ""),
    ],
)
def test_proxy_variables_are_read_as_everywhere(environ, scheme, host, expected):
    assert Network(environ=environ).proxy(scheme, host, 443) == expected


def test_a_proxy_of_another_kind_is_said():
    with pytest.raises(OSError, match="not supported"):
        Network(environ={"HTTPS_PROXY": "socks5://p:1"}).proxy("https", "x.org", 443)


def network(port, **names):
    table = {"proxy.example": ["127.0.0.1"], **{name.replace("_", "."): item for name, item in names.items()}}

    def resolve(host, _port):
        if host not in table:
            raise OSError(f"{host} does not resolve here")
        return table[host]

    environ = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), f"http://user:pw@proxy.example:{port}")
    return Network(resolve=resolve, tls=authority.client(), environ=environ, limits=LIMITS)


@pytest.fixture
def proxy():
    """A proxy that knows one way: whatever is asked for leads to `target`."""
    import contextlib
    import socket

    server = Server()
    server.target = None
    original = server._handle

    def handle(connection, tls):
        data = connection.recv(65536, socket.MSG_PEEK)
        if not data.startswith(b"CONNECT"):
            original(connection, tls)
            return
        while b"\r\n\r\n" not in (data := connection.recv(65536)):
            pass
        server.asked.append(data.split(b" ")[1].decode())
        server.seen.append({"proxy": data.decode("latin-1")})
        with socket.create_connection(("127.0.0.1", server.target), 10) as other:
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")

            def pump(source, sink):
                with contextlib.suppress(OSError):
                    while piece := source.recv(65536):
                        sink.sendall(piece)
                    sink.shutdown(socket.SHUT_WR)

            other.settimeout(10)
            back = threading.Thread(target=pump, args=(other, connection), daemon=True)
            back.start()
            pump(connection, other)
            back.join(10)

    server._handle = handle
    yield server
    server.close()


def test_https_goes_through_a_tunnel_and_names_need_not_resolve_here(proxy, tmp_path):
    tls = Server(authority.server("files.example"))
    tls.files["/testd"] = PROGRAM
    proxy.target = tls.port
    found = fetch(
        network(proxy.port),
        Order(f"https://files.example:{tls.port}/testd", str(tmp_path / "x.part"), 1 << 20),
        lambda _: None,
    )
    assert (found.size, found.secure) == (len(PROGRAM), True)
    assert proxy.asked == [f"files.example:{tls.port}"]
    assert "Proxy-Authorization: Basic dXNlcjpwdw==" in proxy.seen[0]["proxy"]
    assert "authorization" not in tls.seen[0]
    tls.close()


def test_plain_http_asks_the_proxy_for_the_whole_url(proxy, tmp_path):
    proxy.files["http://files.example/testd"] = PROGRAM
    order = Order("http://files.example/testd", str(tmp_path / "x.part"), 1 << 20, plain=True)
    assert fetch(network(proxy.port), order, lambda _: None).size == len(PROGRAM)
    assert proxy.seen[0]["proxy-authorization"] == "Basic dXNlcjpwdw=="


def test_a_name_that_is_private_here_is_not_asked_through_a_proxy_either(proxy, tmp_path):
    order = Order("https://inner.example/testd", str(tmp_path / "x.part"), 1 << 20)
    with pytest.raises(Refused, match="without a digest"):
        fetch(network(proxy.port, inner_example=["10.0.0.9"]), order, lambda _: None)
    assert not proxy.asked


def test_a_resolver_that_never_answers_is_not_waited_for(tmp_path):
    from cosmovisor.model.value import replace
    from cosmovisor.staging.outcome import NotYet

    stuck = threading.Event()
    limits = replace(LIMITS, connect=0.2, attempts=1)
    silent = Network(resolve=lambda *_: stuck.wait(30) or [], environ={}, limits=limits)
    with pytest.raises(NotYet, match="no address"):
        fetch(silent, Order("https://x.org/y", str(tmp_path / "x.part"), 1 << 20), lambda _: None)
    stuck.set()


# Signatures -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keys():
    signing = pytest.importorskip("minisign")
    return signing.KeyPair.generate(), signing.KeyPair.generate()


def test_a_signature_is_good_for_its_key_and_its_file_only(keys, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(PROGRAM)
    good, other = keys
    public = [key.public_key.to_base64().decode() for key in keys]
    with open(path, "rb") as file:
        signature = bytes(good.secret_key.sign(file, trusted_comment="t"))
    minisign.verify(str(path), public[0], signature)
    with pytest.raises(Refused):
        minisign.verify(str(path), public[1], signature)
    for broken in (
        b"",
        b"x",
        signature[:-20],
        signature.replace(b"trusted comment: t", b"trusted comment: u"),
    ):
        with pytest.raises(Refused):
            minisign.verify(str(path), public[0], broken)
    path.write_bytes(PROGRAM + b"x")
    with pytest.raises(Refused):
        minisign.verify(str(path), public[0], signature)
    with pytest.raises(StagingError, match="not a public key"):
        minisign.verify(str(path), "nonsense", signature)


def test_a_signed_release_is_staged_and_an_unsigned_one_is_not(keys, tmp_path):
    from tests.support.staging_home import Home

    from cosmovisor.staging.outcome import NotYet

    home = Home(tmp_path)
    path = tmp_path / "home" / "cosmovisor" / "config.toml"
    path.write_text(f'[sources.v2]\nminisign_key = "{keys[0].public_key.to_base64().decode()}"\n')
    signed = tmp_path / "home" / "cosmovisor" / "x"
    signed.write_bytes(PROGRAM)
    with open(signed, "rb") as file:
        signature = bytes(keys[0].secret_key.sign(file, trusted_comment="t"))
    signed.unlink()
    info = home.info(home.serve(PROGRAM))
    home.refused(info)
    home.server.files["/testd.minisig"] = signature
    assert home.stage(info).trust == "signed"
    home.server.files["/testd"] = PROGRAM + b"\0"
    with pytest.raises(NotYet):
        home.stage(home.info(home.serve(PROGRAM + b"\0")))
    home.close()
