"""Writes docs/plans.md: what becomes of each published plan that we know, and what the Go tool makes of it.

Run it after a change to sources or trust: `.venv/bin/python tools/generate_plans.py`.
"""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from cosmovisor.config.layout import Layout  # noqa: E402
from cosmovisor.config.settings import Settings  # noqa: E402
from cosmovisor.model.plan import Plan  # noqa: E402
from cosmovisor.model.value import value  # noqa: E402
from cosmovisor.staging import outlook, trust  # noqa: E402
from cosmovisor.staging.address import Address  # noqa: E402
from cosmovisor.staging.outcome import NotYet  # noqa: E402
from cosmovisor.staging.platforms import Platform  # noqa: E402
from cosmovisor.staging.sources import Source  # noqa: E402

PLANS = ROOT / "tests" / "data" / "plans"
PAGE = ROOT / "docs" / "plans.md"
PLATFORM = Platform("linux", "amd64")
SETTINGS = Settings("/home/evmos/.evmosd", "evmosd", daemon_allow_download_binaries=True)
LAYOUT = Layout("/home/evmos/.evmosd", "evmosd")
HEAD = """\
# Published plans

What becomes of every published plan that we have collected, on `linux/amd64`, with
`DAEMON_ALLOW_DOWNLOAD_BINARIES=true`, `COSMOVISOR_TRUST=warn` (the default) and nothing placed by hand;
and what the Go tool makes of the same plan. Nothing was fetched for this table: where a plan names a file,
the file must still have its digest and the right shape. A refusal is said days ahead, with what to do; a
binary placed by hand is accepted whatever the plan says.

Generated from the code and `tests/data/plans`: `.venv/bin/python tools/generate_plans.py`.

"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Make the page."""
    rows = [decide(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(PLANS.glob("*.json"))]
    words = (outlook.STAGED, outlook.WARNED, outlook.REFUSED)
    better = sum(row.decision != outlook.REFUSED and _go_fails(row.go) for row in rows)
    lines = [HEAD, "| Decision | Plans |", "| --- | --- |"]
    lines += [f"| {word} | {sum(row.decision == word for row in rows)} |" for word in words]
    lines.append(f"\nThe Go tool fails on {better} of those that are staged here.\n")
    lines += ["| Plan | Height | Network | Decision | Why | Go tool |", "| --- " * 6 + "|"]
    lines += ["| " + " | ".join(_cell(item) for item in row.cells()) + " |" for row in rows]
    return "\n".join(lines) + "\n"


@value
class Row:
    """One plan of the table."""

    name: str
    height: str
    chain: str
    decision: str
    why: str
    go: str

    def cells(self) -> tuple[str, ...]:
        """The cells, in order."""
        return (self.name, self.height, self.chain, self.decision, self.why, self.go)


def decide(entry: dict[str, Any]) -> Row:
    """Decide on one record."""
    plan = entry["plan"]
    given = Plan(plan["name"], plan.get("height") or 1, plan.get("info") or "")
    go = entry["go_cosmovisor"]["linux_amd64_auto_download"]

    def documents(place: Address, operator: bool) -> tuple[str, str]:
        source = Source(place, "the plan", operator, "digest")
        trust.admit(source, SETTINGS)
        return _known(entry, go, place), trust.worth(source)

    found = outlook.outlook(SETTINGS, LAYOUT, given, documents, platform=PLATFORM)
    decision, why = found.decision, found.reason
    if found.source is not None:
        flaw = _flaw(go, found.source.address)
        decision, why = (outlook.REFUSED, flaw) if flaw else (decision, why)
    height = str(plan.get("height") or "not recorded")
    return Row(plan["name"], height, entry["chain"], decision, why, go)


def _known(entry: dict[str, Any], go: str, place: Address) -> str:
    """What the URL in a plan's info is known to have answered."""
    if entry.get("resolved_info"):
        return str(entry["resolved_info"])
    if "HTML page" in go:
        return "<!DOCTYPE html>"
    if "ELF file" in go:
        return "\x7fELF"
    raise NotYet(f"what {place.shown} answers was not recorded; it is fetched and decided then")


def _flaw(go: str, place: Address) -> str:
    """What is known of the file itself, as the preflight or the server says it."""
    if "dead or non-file" in go:
        return f"{place.shown} is not there: {place.host} answers 404"
    if place.file.endswith(".deb"):
        what = f"{place.file} is a Debian package, not a program for linux/amd64"
        return f"what was fetched cannot run here: {what}"
    return ""


def _go_fails(go: str) -> bool:
    return "FAIL" in go or "exec format error" in go


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")


if __name__ == "__main__":
    main()
