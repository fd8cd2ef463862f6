"""`check-plan`: does what every operator's tool would do with a plan, and says what comes of it."""

from __future__ import annotations

import json
import os

from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import PlanError, StagingError
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value
from cosmovisor.plan import info as plan_info
from cosmovisor.staging import address, download, go_view, inspect, opinions, platforms, trust
from cosmovisor.staging.connection import Refused
from cosmovisor.staging.go_view import Listed, Verdict
from cosmovisor.staging.platforms import Platform
from cosmovisor.staging.sources import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from cosmovisor.staging.network import Network

OURS = "this cosmovisor"
_DEEPEST = 12


@value
class Finding:
    """One thing to know: `ok`, `warning` or `problem`, about a platform or (empty) about the whole."""

    outcome: str
    platform: str
    text: str


@value
class Report:
    """The answer.

    Attributes:
        plan: The plan.
        platforms: Those that it was checked for.
        verdicts: By tool, then platform.
        findings: Everything worth saying, worst first.
    """

    plan: Plan
    platforms: tuple[str, ...]
    verdicts: dict[str, dict[str, Verdict]]
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """True where every tool gets a working binary on every platform that the plan names."""
        return not any(
            verdict.works is False for columns in self.verdicts.values() for verdict in columns.values()
        ) and not any(finding.outcome == "problem" for finding in self.findings)


def read(text: str) -> Plan:
    """Find the plan in a text: a plan file, a proposal, a transaction, or plan info alone.

    Raises:
        PlanError: There is none.
    """
    stripped = text.strip()
    try:
        document = json.loads(stripped)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        found = _search(document, 0)
        if found is not None:
            name, height, info = found.get("name"), found.get("height") or 0, found.get("info") or ""
            if isinstance(height, str) and height.isdigit():
                height = int(height)
            if not isinstance(name, str) or not isinstance(info, str) or not isinstance(height, int):
                raise PlanError("the plan in it has members of the wrong type")
            return Plan(name, height, info)
    if not stripped:
        raise PlanError("there is nothing in it", "Name a plan file, a proposal, plan info, or its URL.")
    return Plan("", 0, stripped)


def _search(document: Any, depth: int) -> dict[str, Any] | None:
    if depth > _DEEPEST:
        return None
    if isinstance(document, dict):
        if "name" in document and ("info" in document or "height" in document):
            return document
        inner: Sequence[Any] = list(document.values())
    elif isinstance(document, list):
        inner = document[:1000]
    else:
        return None
    for item in inner:
        found = _search(item, depth + 1)
        if found is not None:
            return found
    return None


def check(
    plan: Plan,
    daemon: str,
    folder: str,
    network: Network,
    progress: Callable[[str], None],
    *,
    wanted: Sequence[str] = (),
) -> Report:
    """Fetch, verify and look into everything that a plan names.

    Args:
        plan: The plan.
        daemon: `DAEMON_NAME`.
        folder: An empty folder of ours.
        network: The seam to the world.
        progress: Told what is being done.
        wanted: Platforms that operators run beside those that the plan names.
    """
    settings = Settings(folder, daemon, daemon_allow_download_binaries=True)
    work = _Work(settings, Layout(folder, daemon), network, progress)
    found, unreadable = work.list_of(plan.info)
    binaries = dict(found.binaries) if found is not None else {}
    listed = tuple(work.look(key, text) for key, text in binaries.items())
    columns = _platforms(binaries, wanted)
    verdicts: dict[str, dict[str, Verdict]] = {
        OURS: {place.key: work.ours(listed, place) for place in columns}
    }
    for version in go_view.VERSIONS:
        verdicts[f"Go {version}"] = {
            place.key: go_view.view(version, listed, place, daemon, unreadable) for place in columns
        }
    work.names(plan, binaries)
    order = {"problem": 0, "warning": 1, "ok": 2}
    findings = sorted(dict.fromkeys(work.findings), key=lambda each: order[each.outcome])
    return Report(plan, tuple(place.key for place in columns), verdicts, tuple(findings))


def _platforms(binaries: dict[str, str], wanted: Sequence[str]) -> list[Platform]:
    found = [platforms.parse(key) for key in (*wanted, *binaries)]
    named = list(dict.fromkeys(place for place in found if place is not None))
    return named or [Platform("linux", "amd64")]


class _Work:
    def __init__(
        self, settings: Settings, layout: Layout, network: Network, progress: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self.layout = layout
        self.downloads = download.Downloads(settings, layout, network, progress)
        self.findings: list[Finding] = []
        self.worth = "digest"

    def say(self, outcome: str, platform: str, text: str) -> None:
        self.findings.append(Finding(outcome, platform, text))

    def list_of(self, text: str) -> tuple[plan_info.PlanInfo | None, str]:
        """Return the list of binaries, and why the Go tool cannot read it."""
        found = plan_info.parse(text)
        unreadable = ""
        if found.kind == "url":
            try:
                place = address.parse(found.url)
                if place.digest is None and not place.checksum_url:
                    self.say("warning", "", "the URL of the list has no digest: it can change after the vote")
                content, self.worth = self.downloads.document(place, False)
            except StagingError as error:
                self.say("problem", "", f"the list cannot be had: {error.cause}")
                return None, f"cannot read the list: {error.cause}"
            found = plan_info.parse_fetched(content)
        for note in found.notes:
            self.say("problem", "", note)
            unreadable = "cannot parse the plan info"
        if found.problem:
            self.say("problem", "", found.problem)
            return found, found.problem
        return found, unreadable

    def look(self, key: str, text: str) -> Listed:
        """Fetch one entry and look into it."""
        place: address.Address | None = None
        try:
            place = address.parse(text)
            source = Source(place, "the plan", False, self.worth)
            trust.admit(source, self.settings)
            blob = self.downloads.obtain([source])
        except Refused as error:
            self.say("problem", key, error.cause)
            return Listed(key, place, None, error.cause, looked=False)
        except StagingError as error:
            self.say("problem", key, error.cause)
            return Listed(key, place, None, error.cause)
        for proof in blob.proofs:
            self.say("warning" if proof.outcome == "warning" else "ok", key, proof.text)
        if blob.source.address.digest is None:
            self._without_digest(key, blob.source, blob.sha256)
        platform = platforms.parse(key) or platforms.this_platform()
        found = inspect.inspect(
            blob.path,
            os.path.join(self.layout.staging, "look.partial"),
            self.layout.daemon_name,
            platform,
            raw=place.raw,
            folder=place.folder,
        )
        self._tell(key, found, os.path.getsize(blob.path), blob.sha256)
        return Listed(key, place, found)

    def _without_digest(self, key: str, source: Source, sha256: str) -> None:
        """Say what careful operators will find out by themselves, and what to write so that all need not."""
        heard = opinions.of_release(self.downloads, source, sha256)
        if heard.verdict != "silent":
            self.say("ok" if heard.verdict == "agrees" else "problem", key, heard.text)
        if heard.verdict != "contradicts":
            self.say("warning", key, f"the URL carries no digest: add ?checksum=sha256:{sha256}")

    def _tell(self, key: str, found: inspect.Inspected, size: int, sha256: str) -> None:
        self.say("ok", key, f"{size} bytes, sha256 {sha256}")
        if found.problem:
            self.say("problem", key, found.problem)
        elif found.program == "script":
            self.say("warning", key, f"{found.daemon!r} is a script: what it needs when it runs is not known")
        else:
            what = f"the daemon is {found.daemon!r}" if found.kind != "raw" else "the file is the daemon"
            built = f", built for {found.machine}" if found.machine else ""
            needs = f", needs {found.glibc}" if found.glibc else ""
            self.say("ok", key, f"{what}{built}{needs}")
        for library in found.libraries:
            self.say("warning", key, f"{library!r} travels with it: the Go tool does not find it by itself")

    def ours(self, listed: tuple[Listed, ...], platform: Platform) -> Verdict:
        """What this tool does on a platform."""
        by_key = {entry.key: entry for entry in listed}
        key = platforms.choose({entry.key: "" for entry in listed}, platform)
        if key is None:
            self.say("problem", platform.key, f"the plan names nothing for {platform.key}")
            return Verdict(False, "the plan names nothing for it")
        entry = by_key[key]
        if entry.inspected is None:
            return Verdict(False, entry.problem)
        if entry.inspected.problem:
            return Verdict(False, entry.inspected.problem)
        if key not in {platform.key, platforms.ANY}:
            self.say("problem", platform.key, f"{key!r} is not what the Go tool looks for: {platform.key!r}")
        return Verdict(True, "works")

    def names(self, plan: Plan, binaries: dict[str, str]) -> None:
        """The plan's name, and keys that are no platform."""
        if plan.name and plan.name.lower() != plan.name:
            text = f"its folder is {plan.name.lower()!r}: operators who make {plan.name!r} by hand are missed"
            self.say("warning", "", text)
        for key in binaries:
            if key != platforms.ANY and platforms.parse(key) is None:
                self.say("warning", key, "this key is no platform; no tool uses it")
        for key, text in binaries.items():
            if "checksum=" not in text:
                self.say(
                    "warning",
                    key,
                    "without a checksum the SDK's own proposal command refuses it, as do careful operators",
                )


def markdown(report: Report) -> str:
    """Write a report to paste into a proposal."""
    plan = report.plan
    title = f"Upgrade plan `{plan.name}` at height {plan.height}" if plan.name else "Plan info"
    lines = [f"### {title}", "", f"| Tool | {' | '.join(report.platforms)} |"]
    lines.append("| --- " * (len(report.platforms) + 1) + "|")
    for tool, columns in report.verdicts.items():
        cells = [_cell(columns[platform]) for platform in report.platforms]
        lines.append(f"| {tool} | {' | '.join(cells)} |")
    lines.append("")
    marks = {"problem": "✗", "warning": "!", "ok": "✓"}
    for finding in report.findings:
        where = f"`{finding.platform}`: " if finding.platform else ""
        lines.append(f"- {marks[finding.outcome]} {where}{finding.text}")
    return "\n".join(lines) + "\n"


def _cell(verdict: Verdict) -> str:
    mark = {True: "✓", False: "✗", None: "?"}[verdict.works]
    reason = "" if verdict.reason == "works" else f" {verdict.reason}"
    return f"{mark}{reason}".replace("|", "\\|")
