"""JSON as Go writes it, and the plan file as each SDK generation writes it."""

from __future__ import annotations

import json
import os
import time

from cosmovisor.demo.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def dumps(content: object) -> str:
    """Encode as `encoding/json` does: compact, angle brackets and ampersand escaped."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def plan_bytes(options: Options, plan: dict[str, Any]) -> bytes:
    """Return the bytes of `upgrade-info.json` that this generation writes for a plan."""
    content: dict[str, object] = {"name": plan["name"]}
    if options.at_least("0.46"):
        content["time"] = "0001-01-01T00:00:00Z"
    content["height"] = plan["height"]
    if plan["info"] and options.at_least("0.44"):
        content["info"] = plan["info"]
    return dumps(content).encode()


def write_plan(options: Options, path: str, plan: dict[str, Any]) -> None:
    """Write the plan file as the SDK does: opened, truncated, written; not atomic.

    Raises:
        OSError: The file cannot be written (also where the options say so).
    """
    if options.plan_write == "fails":
        raise PermissionError(13, "permission denied", path)
    data = plan_bytes(options, plan)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        if options.plan_write == "slow":
            time.sleep(0.2)
            os.write(file, data[: len(data) // 2])
            time.sleep(0.2)
            os.write(file, data[len(data) // 2 :])
        else:
            os.write(file, data)
    finally:
        os.close(file)


def read_plan(path: str) -> dict[str, Any] | None:
    """Read the plan file as the new program does at its start; None where there is none.

    Raises:
        ValueError: It cannot be read as a plan: the program ends.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return None
    plan = json.loads(data)
    if not isinstance(plan, dict) or not plan.get("name") or int(plan.get("height", 0)) <= 0:
        raise ValueError("plan is not valid: name cannot be empty, height must be greater than 0")
    return {"name": str(plan["name"]), "height": int(plan["height"]), "info": str(plan.get("info", ""))}
