"""Short commands of the demo daemon that talk to a running node: status, query, tx, and init."""

from __future__ import annotations

import json
import sys

from cosmovisor.demo import arguments, client, wire
from cosmovisor.demo import home as homes
from cosmovisor.demo.goson import dumps
from cosmovisor.demo.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def run(options: Options, command: str, words: list[str]) -> int:
    """Run one command; return the exit status."""
    home = arguments.find_home(options, words)
    if command == "init":
        return _init(options, home, words)
    if options.status == "default-home":
        home = arguments.default_home(options)
    laddr = _flag(words, "--node") or homes.setting(home, options.prog, [], "node")
    laddr = laddr or "tcp://localhost:26657"
    if laddr.endswith(":0"):
        laddr = homes.setting(home, options.prog, [], "rpc.laddr")
    try:
        if command == "status":
            return _status(options, client.call(laddr, "status"))
        if command in ("query", "q"):
            return _query_plan(options, client.query(laddr, "/cosmos.upgrade.v1beta1.Query/CurrentPlan"))
        return _tx(laddr, words)
    except client.NoAnswerError as error:
        sys.stderr.write(f"Error: post failed: {error}\n")
        return 1


def _status(options: Options, answer: Json) -> int:
    if not options.at_least("0.50"):
        names = {"node_info": "NodeInfo", "sync_info": "SyncInfo", "validator_info": "ValidatorInfo"}
        answer = {names[name]: content for name, content in answer.items()}
    sys.stdout.write(dumps(answer) + "\n")
    return 0


def _query_plan(options: Options, answer: bytes) -> int:
    if not answer:
        sys.stderr.write("Error: no upgrade scheduled\n")
        return 1
    body = dict(wire.fields(answer))[1]
    found = dict(wire.fields(body if isinstance(body, bytes) else b""))
    plan = {
        "name": _text(found.get(1)),
        "time": "0001-01-01T00:00:00Z",
        "height": str(found.get(3, 0)),
        "info": _text(found.get(4)),
    }
    if options.at_least("0.50"):
        sys.stdout.write(json.dumps({"plan": plan}, indent=2) + "\n")
    else:
        sys.stdout.write(dumps({**plan, "upgraded_client_state": None}) + "\n")
    return 0


def _text(content: int | bytes | None) -> str:
    return content.decode() if isinstance(content, bytes) else ""


def _tx(laddr: str, words: list[str]) -> int:
    """Run `tx upgrade software-upgrade NAME --upgrade-height H`, `… cancel-…`, `tx gov vote ID yes`."""
    plain = [word for word in words if not word.startswith("-")]
    if "vote" in plain:
        at = plain.index("vote")
        tx: Json = {"type": "vote", "id": int(plain[at + 1]), "option": plain[at + 2]}
    else:
        tx = {"type": "propose", "title": _flag(words, "--title") or "upgrade"}
        if "software-upgrade" in plain:
            tx["plan"] = {
                "name": plain[plain.index("software-upgrade") + 1],
                "height": int(_flag(words, "--upgrade-height")),
                "info": _flag(words, "--upgrade-info"),
            }
    client.broadcast(laddr, tx)
    sys.stdout.write('{"code":0}\n')
    return 0


def _flag(words: list[str], name: str) -> str:
    for at, word in enumerate(words):
        if word == name and at + 1 < len(words):
            return words[at + 1]
        if word.startswith(name + "="):
            return word.split("=", 1)[1]
    return ""


def _init(options: Options, home: str, words: list[str]) -> int:
    params = json.loads(_flag(words, "--params") or "{}")
    homes.create(
        home,
        options.prog,
        chain_id=_flag(words, "--chain-id") or "demo-1",
        laddr=_flag(words, "--rpc.laddr") or "tcp://127.0.0.1:0",
        params=params,
    )
    return 0
