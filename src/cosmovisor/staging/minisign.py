"""Signatures of minisign: needs the extra `minisign`."""

from __future__ import annotations

from cosmovisor.model.errors import StagingError
from cosmovisor.staging.connection import Refused

#: A signature has four short lines.
LARGEST = 16 * 1024
_ASK = "Ask the publisher, and do not use the file."


def verify(path: str, key: str, signature: bytes) -> None:
    """Check the signature of a file.

    Args:
        path: The file.
        key: The public key, the second line of a `.pub` file.
        signature: The content of a `.minisig` file.

    Raises:
        Refused: It is not signed by this key.
        StagingError: The extra is not installed, or the key is none.
    """
    try:
        import minisign
    except ImportError:
        raise StagingError(
            "cannot check the signature: the package py-minisign is not installed",
            "pip install 'cosmovisor[minisign]'",
        ) from None
    try:
        public = minisign.PublicKey.from_base64(key)
    except ValueError as error:
        raise StagingError(f"minisign_key is not a public key: {error}", "Correct [sources].") from None
    try:
        signed = minisign.Signature.from_bytes(signature)
        with open(path, "rb") as file:
            public.verify(file, signed)
    except ValueError as error:
        raise Refused(f"the signature is not valid: {str(error) or type(error).__name__}", _ASK) from None
