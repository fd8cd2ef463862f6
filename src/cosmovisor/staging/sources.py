"""Where the binary of a plan can come from, in the order in which the places are tried.

The operator's word stands first: an override, a list placed by hand, a local folder. Then the chain's: the
plan's info or the list behind its URL. Then a registry, which is only a hint, and mirrors.
"""

from __future__ import annotations

import json
import os

from cosmovisor.model.errors import StagingError
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.receipts import Proof
from cosmovisor.model.value import replace, value
from cosmovisor.plan import info as plan_info
from cosmovisor.staging import address, platforms, registry
from cosmovisor.staging.address import Address, Digest, SourceError
from cosmovisor.staging.outcome import PlacedMeanwhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cosmovisor.config.layout import Layout
    from cosmovisor.staging.overrides import Override, Overrides

    #: Fetches a small document by rules: its address, whether the operator named it; returns text and worth.
    Documents = Callable[[Address, bool], tuple[str, str]]

#: What a chain of sources is worth: its weakest link.
WORTH = ("none", "https", "digest")
_LARGEST_LIST = 1024 * 1024


@value
class Source:
    """One place to fetch from.

    Attributes:
        address: The place.
        origin: Who named it, in words.
        operator: True where the operator did: then local paths and private addresses are fine.
        worth: What the document is worth that named it (`digest`: as good as a digest in the plan itself).
        notes: What to tell the operator when this source is used.
        override: The operator's pins for this plan.
    """

    address: Address
    origin: str
    operator: bool
    worth: str
    notes: tuple[Proof, ...] = ()
    override: Override | None = None


@value
class Found:
    """All sources, and why there are not more.

    Attributes:
        sources: In order of preference.
        problems: Why a place gave no source, sentences; the last one is the plan's own.
        changeable: True where a document that can change was looked at, so that another look makes sense.
    """

    sources: tuple[Source, ...]
    problems: tuple[str, ...] = ()
    changeable: bool = False


def gather(
    layout: Layout,
    version: Version,
    plan: Plan,
    overrides: Overrides,
    documents: Documents,
    *,
    mirrors: Sequence[str] = (),
    platform: platforms.Platform | None = None,
) -> Found:
    """Find every source of a plan's binary.

    Args:
        layout: The folder tree.
        version: The plan's version.
        plan: The plan.
        overrides: The operator's table.
        documents: Fetches lists; raises `StagingError` where it cannot.
        mirrors: The operator's mirrors.
        platform: What is wanted; this machine unless told.
    """
    work = _Work(plan, overrides.of(plan.name), documents, platform or platforms.this_platform())
    own = work.override
    if own.url:
        work.add(own.url, "[sources] in config.toml", operator=True, worth="digest")
        return work.found(mirrors)
    work.twin(layout, version)
    work.folder(overrides.folder, version, layout.daemon_name)
    work.placed(layout.marker(version), plan)
    work.plan()
    if not work.sources and overrides.registry:
        work.registry(overrides.registry)
    return work.found(mirrors)


class _Work:
    def __init__(
        self, plan: Plan, override: Override, documents: Documents, platform: platforms.Platform
    ) -> None:
        self.override = override
        self._plan = plan
        self._documents = documents
        self._platform = platform
        self.sources: list[Source] = []
        self.problems: list[str] = []
        self.changeable = False

    def add(self, text: str, origin: str, *, operator: bool, worth: str, notes: Sequence[Proof] = ()) -> None:
        """Take in one place, or say why not."""
        try:
            found = address.parse(text, operator=operator)
            if self.override.sha256:
                found = replace(found, digest=Digest("sha256", self.override.sha256), checksum_url="")
                worth = "digest"
            elif self.override.checksums:
                found = replace(found, checksum_url=address.parse(self.override.checksums).url)
        except SourceError as error:
            self.problems.append(f"{origin}: {error.cause}")
            return
        self.sources.append(Source(found, origin, operator, worth, tuple(notes), self.override))

    def binaries(
        self, binaries: dict[str, str], origin: str, *, operator: bool, worth: str, notes: Sequence[str] = ()
    ) -> None:
        """Choose this platform's entry of a list."""
        proofs = [Proof("plan-info", "warning", note) for note in notes]
        key = platforms.choose(binaries, self._platform)
        if key is None:
            near = platforms.nearest(binaries, self._platform)
            hint = f"; {near!r} may be meant" if near else ""
            names = ", ".join(list(binaries)[:12])
            self.problems.append(
                f"{origin} has no binary for {self._platform.key} and none for any (it has {names}){hint}"
            )
            return
        if key not in {self._platform.key, platforms.ANY}:
            text = f"the plan calls this platform {key!r}; the Go tool looks for {self._platform.key!r} only"
            proofs.append(Proof("platform-key", "warning", text))
        self.add(binaries[key], origin, operator=operator, worth=worth, notes=proofs)

    def plan(self) -> None:
        """The plan's info, inline or behind a URL."""
        self._info(plan_info.parse(self._plan.info), "the plan", operator=False, worth="digest")

    def _info(self, found: plan_info.PlanInfo, origin: str, *, operator: bool, worth: str) -> None:
        if found.kind == "binaries":
            self.binaries(
                dict(found.binaries), origin, operator=operator, worth=worth, notes=list(found.notes)
            )
            return
        if found.kind != "url":
            self.changeable = self.changeable or found.kind == "placeholder"
            self.problems.append(found.problem if origin == "the plan" else f"{origin}: {found.problem}")
            return
        try:
            place = address.parse(found.url, operator=operator)
            self.changeable = True
            text, fetched_worth = self._documents(place, operator)
        except PlacedMeanwhile:
            raise
        except StagingError as error:
            self.problems.append(f"the list that {origin} names: {error.cause}")
            return
        inner = plan_info.parse_fetched(text)
        where = f"the list at {place.shown}"
        self._info(inner, where, operator=operator, worth=min(worth, fetched_worth, key=WORTH.index))

    def placed(self, path: str, plan: Plan) -> None:
        """A list that the operator has put beside `bin/`, as the original guide shows it."""
        try:
            with open(path, "rb") as file:
                data = file.read(_LARGEST_LIST + 1)
        except OSError:
            return
        origin = "upgrade-info.json beside bin/"
        if len(data) > _LARGEST_LIST:
            self.problems.append(f"{origin} is too large")
            return
        text = data.decode("utf-8", "replace")
        try:
            document = json.loads(text)
            inner = document.get("info") if isinstance(document, dict) else None
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, str):
            if inner != plan.info:
                self._info(plan_info.parse(inner), origin, operator=True, worth="digest")
            return
        self._info(plan_info.parse(text), origin, operator=True, worth="digest")

    def folder(self, folder: str, version: Version, daemon_name: str) -> None:
        """A local folder of the operator's."""
        if not folder:
            return
        place = registry.in_folder(folder, os.path.basename(version.folder), daemon_name, self._platform)
        if place:
            self.add(place, f"the folder {folder}", operator=True, worth="digest")
        else:
            self.problems.append(f"the folder {folder} holds nothing for {self._plan.name!r}")

    def twin(self, layout: Layout, version: Version) -> None:
        """A folder that differs only in case, as operators make it who read the plan's name as it is."""
        own = os.path.basename(version.folder)
        try:
            names = sorted(os.listdir(layout.upgrades))
        except OSError:
            return
        alike = [name for name in names if name != own and name.lower() == own.lower()]
        paths = [os.path.join(layout.upgrades, name, "bin", layout.daemon_name) for name in alike]
        there = [path for path in paths if os.path.isfile(path)]
        if len(there) == 1:
            note = f"it was placed at {there[0]}, where the Go tool would not look"
            proofs = [Proof("twin", "warning", note, f"Name the folder {own!r} next time.")]
            self.add(there[0], f"the folder {alike[0]!r}", operator=True, worth="digest", notes=proofs)

    def registry(self, text: str) -> None:
        """A chain-registry: a hint of the community, worth no more than its own fetch."""
        try:
            entries = registry.load(text, self._documents)
            found = registry.choose(entries, self._plan)
        except PlacedMeanwhile:
            raise
        except StagingError as error:
            self.problems.append(f"the registry {text}: {error.cause}")
            return
        if found is None:
            self.problems.append(f"the registry {text} does not know {self._plan.name!r} with binaries")
            return
        origin = f"the registry entry {found.name!r}"
        self.binaries(found.binaries, origin, operator=False, worth="https")

    def found(self, mirrors: Sequence[str]) -> Found:
        """Everything, with the mirrors of each place behind it."""
        every = list(self.sources)
        for source in self.sources:
            for mirror in mirrors:
                if source.address.local:
                    continue
                place = mirrored(mirror, source.address, self._plan.name)
                try:
                    copy = replace(
                        source.address,
                        url=address.parse(place, operator=True).url,
                        local=place.startswith("/"),
                    )
                except SourceError as error:
                    self.problems.append(f"the mirror {mirror}: {error.cause}")
                    continue
                every.append(
                    replace(source, address=copy, origin=f"a mirror for {source.origin}", operator=True)
                )
        return Found(tuple(every), tuple(self.problems), self.changeable)


def mirrored(mirror: str, place: Address, plan: str) -> str:
    """Return where a mirror keeps a file: words in braces are filled in, else the file's name is added.

    The words are `{host}`, `{path}`, `{file}`, `{plan}`.
    """
    from urllib.parse import quote, urlsplit

    parts = urlsplit(place.url)
    words = {
        "{host}": place.host,
        "{path}": parts.path.lstrip("/"),
        "{file}": quote(place.file),
        "{plan}": quote(plan, safe=""),
    }
    if not any(word in mirror for word in words):
        return f"{mirror.rstrip('/')}/{words['{file}']}"
    for word, item in words.items():
        mirror = mirror.replace(word, item)
    return mirror
