"""The methods of the RPC, with the fields that CometBFT 0.34 to 0.38 answer."""

from __future__ import annotations

import base64
import json
import time

from cosmovisor.demo import queries
from cosmovisor.demo.server import RpcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cosmovisor.demo.node import Node

    Json = dict[str, Any]

_EMPTY_HASH = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"


def answer(node: Node, method: str, params: Json) -> Any:
    """Answer one method.

    Raises:
        RpcError: The method is unknown or its parameters are wrong.
    """
    if method == "health":
        return {}
    if method == "status":
        return status(node)
    if method == "abci_info":
        return {"response": _abci_info(node)}
    if method == "abci_query":
        try:
            data = bytes.fromhex(str(params.get("data") or ""))
        except ValueError as error:
            raise RpcError(-32602, "Invalid params", str(error)) from None
        return {"response": queries.abci_answer(node.app, str(params.get("path", "")), data)}
    if method in ("block", "header"):
        return _block(node, method, params)
    if method == "consensus_state":
        step = 8 if node.halted else 1
        height = node.store.height if node.halted else node.store.height + 1
        return {"round_state": {"height/round/step": f"{height}/0/{step}"}}
    if method == "net_info":
        return {"listening": True, "listeners": [], "n_peers": "0", "peers": []}
    if method in ("broadcast_tx_sync", "broadcast_tx_async"):
        try:
            tx = json.loads(base64.b64decode(str(params["tx"])))
            node.mempool.append({**tx, "type": str(tx["type"])})
        except (ValueError, KeyError, TypeError) as error:
            raise RpcError(-32602, "Invalid params", str(error)) from None
        return {"code": 0, "data": "", "log": "[]", "codespace": "", "hash": _EMPTY_HASH}
    raise RpcError(-32601, "Method not found")


def status(node: Node) -> Json:
    """Answer `status`: the height is the block store's."""
    store = node.store
    newest, oldest = store.blocks.get(store.height, {}), store.blocks.get(store.base, {})
    return {
        "node_info": {
            "protocol_version": {"p2p": "8", "block": "11", "app": "0"},
            "id": node.node_id,
            "listen_addr": "tcp://127.0.0.1:26656",
            "network": node.chain_id,
            "version": node.options.cometbft(),
            "channels": "402021222330386061",
            "moniker": "validator",
            "other": {"tx_index": "on", "rpc_address": node.laddr},
        },
        "sync_info": {
            "latest_block_hash": newest.get("hash", ""),
            "latest_app_hash": newest.get("app_hash", ""),
            "latest_block_height": str(store.height),
            "latest_block_time": rfc3339(newest.get("time")),
            "earliest_block_hash": oldest.get("hash", ""),
            "earliest_app_hash": oldest.get("app_hash", _EMPTY_HASH),
            "earliest_block_height": str(store.base if store.blocks else 0),
            "earliest_block_time": rfc3339(oldest.get("time")),
            "catching_up": node.syncing(),
        },
        "validator_info": {"address": node.address, "pub_key": node.pub_key, "voting_power": "1000"},
    }


def _abci_info(node: Node) -> Json:
    app = node.app
    info: Json = {"data": "DemoApp", "version": node.options.version}
    if app.state["app_version"]:
        info["app_version"] = str(app.state["app_version"])
    if app.height:
        info["last_block_height"] = str(app.height)
        info["last_block_app_hash"] = base64.b64encode(bytes.fromhex(app.state["hash"])).decode()
    return info


def _block(node: Node, method: str, params: Json) -> Json:
    height = int(params.get("height") or node.store.height)
    block = node.store.blocks.get(height)
    if block is None:
        if height > node.store.height:
            text = f"height {height} must be less than or equal to the current blockchain height"
            text += f" {node.store.height}"
        else:
            text = f"height {height} is not available, lowest height is {node.store.base}"
        raise RpcError(-32603, "Internal error", text)
    header = {
        "version": {"block": "11"},
        "chain_id": node.chain_id,
        "height": str(height),
        "time": rfc3339(block["time"]),
        "app_hash": block["app_hash"],
        "proposer_address": node.address,
    }
    if method == "header":
        return {"header": header}
    txs = [base64.b64encode(json.dumps(tx).encode()).decode() for tx in block["txs"]]
    return {
        "block_id": {"hash": block["hash"], "parts": {"total": 1, "hash": block["hash"]}},
        "block": {"header": header, "data": {"txs": txs}, "evidence": {"evidence": []}, "last_commit": None},
    }


def rfc3339(time_ns: int | None) -> str:
    """Write a time as Go does, with nine digits after the point; the zero time where there is none."""
    if time_ns is None:
        return "0001-01-01T00:00:00Z"
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time_ns // 10**9))
    return f"{text}.{time_ns % 10**9:09d}Z"
