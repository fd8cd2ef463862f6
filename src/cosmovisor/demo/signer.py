"""The signer of a demo validator.

It keeps `priv_validator_state.json` as a real one does (temporary file, synced, renamed, three times a
block) and believes that file alone: it never looks at the ledger. So whoever gives it an older file, or
starts two of them, makes it sign twice, and the ledger's checker finds it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time

from cosmovisor.demo import ledger
from cosmovisor.demo.options import Options

PROPOSE, PREVOTE, PRECOMMIT = 1, 2, 3


class SignStateError(Exception):
    """The sign-state file cannot be read: the node ends."""


class Signer:
    """Signs for one key on one chain."""

    def __init__(self, home: str, options: Options, chain_id: str, address: str) -> None:
        """Read the sign state.

        Raises:
            SignStateError: The file is missing or malformed.
        """
        self.options, self.chain_id, self.address = options, chain_id, address
        self.path = os.path.join(home, "data", "priv_validator_state.json")
        try:
            with open(self.path, encoding="utf-8") as file:
                state = json.load(file)
            self.height, self.step = int(state["height"]), int(state["step"])
            self.block = bytes.fromhex(state.get("signbytes", "")).decode().partition("|")[2]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SignStateError(f"error reading PrivValidator state from {self.path}: {error}") from None

    def proposal(self, height: int) -> str:
        """Return the hash of the block to sign: the one signed before at this height, else a new one."""
        if height == self.height and self.block:
            return self.block
        return (
            hashlib.sha256(f"{self.address}|{height}|{time.time_ns()}|{os.getpid()}".encode())
            .hexdigest()
            .upper()
        )

    def may_sign(self, height: int) -> bool:
        """Tell whether the file allows a signature at this height; below it, blocks come from the network."""
        return height >= self.height

    def sign(self, height: int, step: int, block: str) -> None:
        """Sign one step and note it in the ledger; what was signed before is signed again from the file."""
        if (height, step) > (self.height, self.step):
            self._save(height, step, block)
        ledger.note(
            self.options.ledger,
            "sign",
            chain=self.chain_id,
            key=self.address,
            height=height,
            round=0,
            step=step,
            block=block,
            version=self.options.name,
        )

    def _save(self, height: int, step: int, block: str) -> None:
        self.height, self.step, self.block = height, step, block
        content = {
            "height": str(height),
            "round": 0,
            "step": step,
            "signature": base64.b64encode(
                hashlib.sha512(f"{height}{step}{block}".encode()).digest()
            ).decode(),
            "signbytes": f"{height}/{step}|{block}".encode().hex().upper(),
        }
        temporary = os.path.join(os.path.dirname(self.path), f"write-file-atomic-{os.urandom(5).hex()}")
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.write(file, json.dumps(content, indent=2).encode())
        os.close(file)
        os.rename(temporary, self.path)
