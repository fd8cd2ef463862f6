"""A certificate authority for tests, made when it is needed."""

from __future__ import annotations

import datetime as dt
import functools
import os
import ssl
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@functools.cache
def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, _sign(key, "Test authority", "Test authority", key, [], authority=True)


def _sign(key, subject, issuer, issuer_key, names, *, authority=False, days=(-1, 30)) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if names:
        found = [x509.DNSName(name) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(found), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def server(*names: str, days: tuple[int, int] = (-1, 30), trusted: bool = True) -> ssl.SSLContext:
    """A server's side for these host names; not trusted means signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_key, issuer = (_authority()[0], "Test authority") if trusted else (key, names[0])
    certificate = _sign(key, names[0], issuer, issuer_key, names, days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
        file.write(pem)
    try:
        context.load_cert_chain(file.name)
    finally:
        os.unlink(file.name)
    return context


def client() -> ssl.SSLContext:
    """A client's side that trusts the authority, and checks as strictly as the real one."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=_authority()[1].public_bytes(serialization.Encoding.PEM).decode())
    return context
