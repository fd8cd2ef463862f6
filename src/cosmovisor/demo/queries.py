"""Answers of `abci_query`: the gRPC services of x/upgrade and x/gov in protobuf."""

from __future__ import annotations

import base64
import hashlib

from cosmovisor.demo import wire
from cosmovisor.demo.application import Application

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_ZERO_TIME = -62135596800


class QueryError(Exception):
    """The application has no such service."""


def answer(app: Application, path: str, data: bytes) -> bytes:
    """Answer one query on the committed state.

    Raises:
        QueryError: The SDK generation does not know the path.
    """
    modern = app.options.at_least("0.46")
    state = app.state
    if path == "/app/version":
        return app.options.version.encode()
    if path == "/cosmos.upgrade.v1beta1.Query/CurrentPlan":
        return wire.message(1, plan(state["plan"])) if state["plan"] else b""
    if path == "/cosmos.upgrade.v1beta1.Query/AppliedPlan":
        name = _text(data, 1)
        return wire.field(1, int(state["done"].get(name, 0)))
    if path == "/cosmos.upgrade.v1beta1.Query/Authority" and modern:
        return wire.message(1, authority(app))
    if path == "/cosmos.gov.v1.Query/Proposals" and modern:
        return _proposals(app, data, _proposal_v1)
    if path == "/cosmos.gov.v1.Query/TallyResult" and modern:
        return _tally(app, data)
    if path == "/cosmos.gov.v1beta1.Query/TallyResult":
        return _tally(app, data)
    if path == "/cosmos.gov.v1beta1.Query/Proposals":
        if modern and any(item["form"] == "message" for item in state["proposals"]):
            raise QueryError("can't convert a gov/v1 Proposal to gov/v1beta1 Proposal: no legacy content")
        return _proposals(app, data, _proposal_v1beta1)
    raise QueryError("unknown query path: unknown request")


def plan(item: Json) -> bytes:
    """Encode a plan."""
    return (
        wire.field(1, item["name"])
        + wire.message(2, wire.timestamp(_ZERO_TIME))
        + wire.field(3, item["height"])
        + wire.field(4, item["info"])
    )


def authority(app: Application) -> str:
    """Return the address of the governance module."""
    return wire.bech32(str(app.params["prefix"]), hashlib.sha256(b"gov").digest()[:20])


def _any(url: str, body: bytes) -> bytes:
    return wire.field(1, url) + wire.message(2, body)


def _legacy(item: Json) -> bytes:
    head = wire.field(1, item["title"]) + wire.field(2, item["summary"])
    if item["plan"] is None:
        return _any("/cosmos.upgrade.v1beta1.CancelSoftwareUpgradeProposal", head)
    return _any("/cosmos.upgrade.v1beta1.SoftwareUpgradeProposal", head + wire.message(3, plan(item["plan"])))


def _message(app: Application, item: Json) -> bytes:
    address = wire.field(1, authority(app))
    if item["form"] == "text":
        return _any(
            "/cosmos.gov.v1.MsgExecLegacyContent",
            wire.message(1, _any("/cosmos.gov.v1beta1.TextProposal", wire.field(1, item["title"])))
            + wire.field(2, authority(app)),
        )
    if item["form"] == "legacy":
        return _any(
            "/cosmos.gov.v1.MsgExecLegacyContent",
            wire.message(1, _legacy(item)) + wire.field(2, authority(app)),
        )
    if item["plan"] is None:
        return _any("/cosmos.upgrade.v1beta1.MsgCancelUpgrade", address)
    return _any("/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade", address + wire.message(2, plan(item["plan"])))


def _times(item: Json) -> bytes:
    start, end = _time(item["submitted"]), _time(item["voting_end"])
    coin = wire.field(1, "stake") + wire.field(2, "5000")
    return (
        wire.message(5, start)
        + wire.message(6, end)
        + wire.message(7, coin)
        + wire.message(8, start)
        + wire.message(9, end)
    )


def _time(time_ns: int) -> bytes:
    return wire.timestamp(time_ns // 10**9, time_ns % 10**9)


def _final_tally(item: Json) -> list[str]:
    counted = item["status"] > 2
    return [str(item["votes"][name] if counted else 0) for name in ("yes", "abstain", "no", "no_with_veto")]


def _tally(app: Application, data: bytes) -> bytes:
    number = next((int(content) for at, content in wire.fields(data) if at == 1), 0)
    for item in app.state["proposals"]:
        if item["id"] == number:
            names = ("yes", "abstain", "no", "no_with_veto")
            body = b"".join(wire.message(at + 1, str(item["votes"][name])) for at, name in enumerate(names))
            return wire.message(1, body)
    raise QueryError(f"proposal {number} doesn't exist")


def _proposal_v1(app: Application, item: Json) -> bytes:
    tally = b"".join(wire.message(at + 1, text) for at, text in enumerate(_final_tally(item)))
    body = wire.field(1, item["id"]) + wire.message(2, _message(app, item)) + wire.field(3, item["status"])
    body += wire.message(4, tally) + _times(item)
    if app.options.at_least("0.47"):
        proposer = wire.bech32(str(app.params["prefix"]), hashlib.sha256(b"proposer").digest()[:20])
        body += wire.field(11, item["title"]) + wire.field(12, item["summary"]) + wire.field(13, proposer)
    if app.options.at_least("0.50"):
        body += wire.field(14, int(item["expedited"]))
    return body


def _proposal_v1beta1(_app: Application, item: Json) -> bytes:
    tally = b"".join(wire.message(at + 1, text) for at, text in enumerate(_final_tally(item)))
    return (
        wire.field(1, item["id"])
        + wire.message(2, _legacy(item))
        + wire.field(3, item["status"])
        + wire.message(4, tally)
        + _times(item)
    )


def _proposals(app: Application, data: bytes, encode: Any) -> bytes:
    wanted, limit, reverse, count = 0, 100, False, False
    for number, content in wire.fields(data):
        if number == 1 and isinstance(content, int):
            wanted = content
        if number == 4 and isinstance(content, bytes):
            page = dict(wire.fields(content))
            limit, reverse = int(page.get(3) or 100), bool(page.get(5))
            count = bool(page.get(4))
    items = [item for item in app.state["proposals"] if wanted in (0, item["status"])]
    chosen = (items[::-1] if reverse else items)[:limit]
    rest = len(items) > limit
    page_answer = wire.field(1, items[limit]["id"].to_bytes(8, "big") if rest else b"")
    page_answer += wire.field(2, len(items) if count or not data else 0)
    return b"".join(wire.message(1, encode(app, item)) for item in chosen) + wire.message(2, page_answer)


def _text(data: bytes, number: int) -> str:
    for found, content in wire.fields(data):
        if found == number and isinstance(content, bytes):
            return content.decode()
    return ""


def abci_answer(app: Application, path: str, data: bytes) -> Json:
    """Return the `response` object of `abci_query`."""
    code, log, content, space = 0, "", b"", ""
    try:
        content = answer(app, path, data)
    except QueryError as error:
        code, log, space = 6, str(error), "sdk"
    return {
        "code": code,
        "log": log,
        "info": "",
        "index": "0",
        "key": None,
        "value": base64.b64encode(content).decode(),
        "proofOps": None,
        "height": str(app.height),
        "codespace": space,
    }
