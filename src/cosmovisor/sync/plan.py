"""The upgrades between a chain's genesis and its tip, as a file of the operator or a registry has them.

```toml
chain_id = "evmos_9001-2"           # optional; the node's own must agree

[genesis]                           # optional: the first binary, fetched where there is none
url = "https://example.com/evmosd-v1.tar.gz"
sha256 = "…"

[[upgrade]]
name = "v2.0.0"                     # as the chain's plan has it
height = 58700
binaries = { "linux/amd64" = "https://example.com/evmosd-v2.tar.gz?checksum=sha256:…" }

[[upgrade]]
name = "v3.0.0"
height = 265221
path = "/srv/binaries/v3/evmosd"    # a file of this machine
```

Each upgrade says one of `url` (with `sha256`), `binaries`, `info` (text of the plan) and `path`, or nothing
where its binary is in place already.
"""

from __future__ import annotations

import json
import os
import tomllib
from typing import Any

from cosmovisor.model.errors import CosmovisorError, PlanError
from cosmovisor.model.value import value
from cosmovisor.plan import names
from cosmovisor.staging import registry

#: Bytes of a file, and upgrades in it.
FILE_LIMIT = 4 << 20
STEPS_LIMIT = 1000
_SOURCES = ("url", "binaries", "info", "path")


@value
class Step:
    """One upgrade.

    Attributes:
        name: The plan's name.
        height: The upgrade height; 0 for the first binary.
        info: Where its binary is, in the form of a plan's info; empty where nothing is said.
        path: A file of this machine instead.
    """

    name: str
    height: int
    info: str = ""
    path: str = ""


@value
class SyncPlan:
    """All of them.

    Attributes:
        chain_id: The chain; empty where not said.
        genesis: The first binary; None where not said.
        steps: The upgrades by height.
    """

    chain_id: str
    genesis: Step | None
    steps: tuple[Step, ...]


def load(path: str) -> SyncPlan:
    """Read a plan file, or a chain-registry folder (`versions.json` or `chain.json`) or one of its files.

    Raises:
        PlanError: It cannot be read or makes no sense; every problem is named.
    """
    if os.path.isdir(path) or path.endswith(".json"):
        return _registry(path)
    try:
        with open(path, "rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise PlanError(
            f"cannot read {path}: {error.strerror}",
            "Name a plan file (TOML) or the folder of the chain in a chain-registry.",
        ) from error
    if len(data) > FILE_LIMIT:
        raise PlanError(f"cannot use {path}: it is larger than {FILE_LIMIT >> 20} MiB")
    return parse(data, path)


def parse(data: bytes, path: str = "the plan") -> SyncPlan:
    """Read the text of a plan file.

    Raises:
        PlanError: It makes no sense; every problem is named.
    """
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PlanError(f"cannot use {path}: not TOML: {str(error)[:200]}") from error
    problems: list[str] = []
    unknown = sorted(set(document) - {"chain_id", "genesis", "upgrade"})
    if unknown:
        problems.append(f"unknown keys: {', '.join(unknown[:8])}")
    chain_id = document.get("chain_id", "")
    if not isinstance(chain_id, str):
        problems.append("chain_id is not a text")
    items = document.get("upgrade", [])
    if not isinstance(items, list) or not items:
        problems.append("there is no [[upgrade]] in it")
        items = []
    steps = [_step(item, number, problems) for number, item in enumerate(items[: STEPS_LIMIT + 1], 1)]
    genesis = None
    if "genesis" in document:
        genesis = _step(document["genesis"], 0, problems)
    return _checked(SyncPlan(str(chain_id), genesis, tuple(step for step in steps if step)), problems, path)


def _step(item: Any, number: int, problems: list[str]) -> Step | None:
    """Read one upgrade, or the first binary (number 0)."""
    where = f"upgrade {number}" if number else "genesis"
    if not isinstance(item, dict):
        problems.append(f"{where} is not a table")
        return None
    name, height = item.get("name", "" if number else "genesis"), item.get("height", 0)
    if number:
        where = f"{where} ({str(name)[:60]!r})"
    unknown = sorted(set(item) - {"name", "height", "sha256", *_SOURCES})
    if unknown:
        problems.append(f"{where}: unknown keys: {', '.join(unknown[:8])}")
    if not isinstance(height, int) or isinstance(height, bool) or (number and not 0 < height < 1 << 63):
        problems.append(f"{where}: the height is not a positive whole number")
        return None
    given = [key for key in _SOURCES if key in item]
    if len(given) > 1:
        problems.append(f"{where}: says {' and '.join(given)}; one of them is enough")
        return None
    texts = {key: item[key] for key in ("name", "url", "info", "path", "sha256") if key in item}
    wrong = [key for key, text in texts.items() if not isinstance(text, str) or not text]
    binaries = item.get("binaries")
    if wrong or not isinstance(name, str):
        problems.append(f"{where}: {', '.join(wrong) or 'name'} is not a text")
        return None
    if "binaries" in item and not (
        isinstance(binaries, dict) and all(isinstance(link, str) for link in binaries.values())
    ):
        problems.append(f"{where}: binaries is not a table of URLs by platform")
        return None
    info = item.get("info", "")
    if "url" in item:
        mark = "&" if "?" in item["url"] else "?"
        digest = f"{mark}checksum=sha256:{item['sha256']}" if "sha256" in item else ""
        binaries = {"any": item["url"] + digest}
    elif "sha256" in item:
        problems.append(f"{where}: sha256 belongs to url")
        return None
    if binaries is not None:
        info = json.dumps({"binaries": binaries})
    path = item.get("path", "")
    if path and not os.path.isabs(path):
        problems.append(f"{where}: the path {path!r} is not absolute")
        return None
    return Step(name, height if number else 0, info, path)


def _registry(path: str) -> SyncPlan:
    try:
        entries = registry.load(path, _no_documents)
    except CosmovisorError as error:
        raise PlanError(f"cannot use {path}: {error.cause}", error.next_step) from error
    problems: list[str] = []
    by_height: dict[int, Step] = {}
    genesis = None
    for number, entry in enumerate(entries):
        info = json.dumps({"binaries": entry.binaries}) if entry.binaries else ""
        if entry.height > 0:
            # A later entry of the same height is a repaired release of the same upgrade.
            name = by_height[entry.height].name if entry.height in by_height else entry.name
            by_height[entry.height] = Step(
                name, entry.height, info or by_height.get(entry.height, Step("", 0)).info
            )
        elif number == 0 and info:
            genesis = Step("genesis", 0, info)
    if not by_height:
        problems.append("none of its versions has a height")
    steps = tuple(by_height[height] for height in sorted(by_height))
    return _checked(SyncPlan(_chain_id(path), genesis, steps), problems, path)


def _chain_id(path: str) -> str:
    """Return the chain id of `chain.json` in a registry's folder; empty where there is none."""
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    try:
        with open(os.path.join(folder, "chain.json"), "rb") as file:
            found = json.loads(file.read(FILE_LIMIT)).get("chain_id", "")
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def _no_documents(*_: object) -> tuple[str, str]:
    raise PlanError("it is not on this machine", "Fetch the chain's folder of the chain-registry first.")


def _checked(plan: SyncPlan, problems: list[str], path: str) -> SyncPlan:
    """Check what only the whole shows.

    Raises:
        PlanError: With all problems.
    """
    if len(plan.steps) > STEPS_LIMIT:
        problems.append(f"it has more than {STEPS_LIMIT} upgrades")
    seen: set[str] = set()
    last = 0
    for step in plan.steps:
        try:
            names.check(step.name)
        except PlanError as error:
            problems.append(error.cause)
        if step.name.lower() in seen:
            problems.append(f"the name {step.name!r} comes twice")
        seen.add(step.name.lower())
        if step.height <= last:
            problems.append(f"the height {step.height} of {step.name!r} is not above the one before it")
        last = step.height
    if problems:
        more = f" (and {len(problems) - 8} more)" if len(problems) > 8 else ""
        raise PlanError(f"cannot use {path}: {'; '.join(problems[:8])}{more}", "Correct the file.")
    return plan
