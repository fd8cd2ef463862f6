"""The part of a staging run that fetches: from a plan to a built folder in its place.

Imported only where something may be fetched: proving what lies in its place needs none of it.
"""

from __future__ import annotations

import os
import time

from cosmovisor.model.errors import StagingError
from cosmovisor.model.receipts import Opinion, Proof
from cosmovisor.model.value import replace, value
from cosmovisor.plan import info as plan_info
from cosmovisor.staging import (
    building,
    download,
    opinions,
    place,
    preflight,
    prove,
    record,
    shape,
    sources,
    trust,
)
from cosmovisor.staging.bounds import ArchiveError
from cosmovisor.staging.connection import Refused
from cosmovisor.staging.network import Limits, Network
from cosmovisor.staging.outcome import NotYet, PlacedMeanwhile
from cosmovisor.storage import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cosmovisor.model.plan import Plan, Version
    from cosmovisor.staging.address import Address
    from cosmovisor.staging.download import Blob, Downloads
    from cosmovisor.staging.overrides import Overrides
    from cosmovisor.staging.prepare import Surroundings
    from cosmovisor.staging.record import Record
    from cosmovisor.staging.request import Request

_BROKEN_RETRY = 3600.0
#: A placeholder is filled in at any time; nobody wants to miss that by an hour.
_PLACEHOLDER_RETRY = 600.0
#: How often a download looks whether it is still wanted.
_LOOK = 0.3


@value
class Built:
    """What was made of a download.

    Attributes:
        origin: Where it comes from.
        sha256: Digest of the program.
    """

    origin: prove.Origin
    sha256: str


class Getter:
    """Fetches for one run.

    Args:
        around: Settings, folders, network.
        request: The plan, and what may be done for it.
        version: Its place.
        table: The operator's overrides.
        progress: Told what is being done.
    """

    def __init__(
        self,
        around: Surroundings,
        request: Request,
        version: Version,
        table: Overrides,
        progress: Callable[[str], None],
    ) -> None:
        self.around = around
        self.layout = around.layout
        self.request = request
        self.version = version
        self.overrides = table
        self.progress = progress
        own = table.of(request.plan.name)
        self.pins = frozenset({own.binary_sha256} if own.binary_sha256 else ())
        self._free = not place.is_there(self.layout.bin(version))
        self._next_look = 0.0
        self._found: sources.Found | None = None

    @property
    def allowed(self) -> bool:
        """Whether anything may be fetched."""
        return self.around.settings.daemon_allow_download_binaries or self.request.download

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.request.plan

    def _downloads(self) -> Downloads:
        settings = self.around.settings
        network = self.around.network or Network(
            limits=Limits(
                total=settings.cosmovisor_download_timeout, back_off=0.2 if self.request.urgent else 1.0
            )
        )
        network.watch = self._watch_place
        return download.Downloads(settings, self.layout, network, self.progress)

    def _sources(self, downloads: Downloads) -> sources.Found:
        return sources.gather(
            self.layout,
            self.version,
            self.plan,
            self.overrides,
            downloads.document if self.allowed else _no_documents,
            mirrors=self.around.settings.cosmovisor_mirrors if self.allowed else (),
        )

    def obtain(self) -> Blob:
        """Fetch and verify.

        Raises:
            NotYet: No source gives the right file.
        """
        downloads = self._downloads()
        found = self._found = self._sources(downloads)
        usable = [source for source in found.sources if self.allowed or source.address.local]
        if not usable:
            raise self._nothing(found, allowed=self.allowed)
        try:
            blob = downloads.obtain(usable)
        except NotYet as error:
            after = error.retry_after
            if after is None and found.changeable:
                after = _BROKEN_RETRY
            raise NotYet(error.cause, error.next_step, after) from None
        return blob if self.request.urgent else self._with_opinion(downloads, blob)

    def _with_opinion(self, downloads: Downloads, blob: Blob) -> Blob:
        """Ask the release's own list; what it contradicts and nothing holds is not even unpacked."""
        settings = self.around.settings
        if not opinions.wanted(blob.source, settings):
            return blob
        heard = opinions.of_release(downloads, blob.source, blob.sha256)
        told = opinions.proofs((heard,), trust.worth(blob.source), settings, self.plan.name)
        for proof in told:
            if proof.outcome == "blocking":
                durable.remove_file(blob.path)
                raise NotYet(
                    proof.text,
                    "One of the two was changed: ask the publisher, or pin the right digest in [sources].",
                    _BROKEN_RETRY,
                )
        return replace(blob, proofs=(*blob.proofs, *told), opinions=(heard,))

    def ask_mirrors(self, blob: Blob, found: Record) -> Record:
        """Compare with the other places that have the file, now that it lies in its place."""
        settings = self.around.settings
        if self._found is None or self.request.urgent or not opinions.wanted(blob.source, settings):
            return found
        self._free = False
        others = [source for source in self._found.sources if self.allowed or source.address.local]
        heard = opinions.of_mirrors(self._downloads(), others, blob.source, blob.sha256)
        return self._attached(found, heard) if heard else found

    def ask_release_again(self, found: Record) -> Record:
        """Ask for the release's list once more: lists are often published after the file."""
        settings = self.around.settings
        if not self.allowed or not found.fetched_sha256 or found.source == "hand":
            return found
        try:
            every = self._sources(self._downloads()).sources
            used = next((source for source in every if source.address.shown == found.source), None)
            if used is None or not opinions.wanted(used, settings):
                return found
            self._free = False
            heard = opinions.of_release(self._downloads(), used, found.fetched_sha256)
        except StagingError as error:
            self.progress(f"no second opinion can be had: {error.cause}")
            return found
        return found if heard.verdict == "silent" else self._attached(found, [heard])

    def _attached(self, found: Record, heard: list[Opinion]) -> Record:
        changed = opinions.attach(found, heard, self.around.settings)
        if changed != found:
            record.save(self.layout.proof(self.version), changed)
        return changed

    def compare_list(self, found: Record) -> Record:
        """Fetch a list behind a URL again before the height: such lists are changed after the vote."""
        if not self.allowed or found.source == "hand" or plan_info.parse(self.plan.info).kind != "url":
            return found
        try:
            now = self._sources(self._downloads()).sources
        except StagingError as error:
            self.progress(f"the list of binaries cannot be had again: {error.cause}")
            return found
        digest = now[0].address.digest if now else None
        if digest is None or digest.kind != "sha256" or digest.hex == found.fetched_sha256:
            return found
        text = f"the list behind the plan's URL names another file now (sha256 {digest.hex})"
        fix = "Ask the chain's developers which one is right; place it by hand, or pin it in [sources]."
        changed = replace(found, proofs=(*found.proofs, Proof("list-changed", "warning", text, fix)))
        record.save(self.layout.proof(self.version), changed)
        return changed

    def _watch_place(self) -> None:
        """Give up a download as soon as somebody has put a binary into place: nobody waits for it then.

        Raises:
            PlacedMeanwhile: So it is.
        """
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK
        if self._free and place.is_there(self.layout.bin(self.version)):
            raise PlacedMeanwhile("a binary was put into place meanwhile")

    def _nothing(self, found: sources.Found, *, allowed: bool) -> NotYet:
        path = self.layout.bin(self.version)
        if not allowed:
            return NotYet(
                f"there is no binary at {path}, and downloads are not allowed",
                f"Put the new binary to {path}, or set DAEMON_ALLOW_DOWNLOAD_BINARIES=true.",
            )
        why = "; ".join(found.problems) or "nothing names a source"
        return NotYet(
            f"there is no binary at {path}, and none can be fetched: {why}",
            f"Put the new binary to {path}, or name its URL in [sources] of config.toml.",
            _PLACEHOLDER_RETRY if found.changeable else None,
        )

    def build(self, blob: Blob, *, swap: bool) -> Built:
        """Unpack, look at it, and put it into place (or keep it, where the plan is not decided).

        Raises:
            NotYet: It cannot be used.
            PlacedMeanwhile: Somebody has put a binary there.
        """
        name = self.layout.daemon_name
        stem = os.path.join(self.layout.staging, blob.sha256)
        raw, built = f"{stem}.unpacked.partial", f"{stem}.partial"
        self.progress(f"unpacking {blob.source.address.file}")
        moved = False
        try:
            found, moved = building.build(blob, raw, built, name, keep=not self.request.execute)
            self._look(blob, built, found)
            if self.request.execute:
                place.commit(self.layout, self.version, built, swap=swap)
        except ArchiveError as error:
            durable.remove_file(blob.path)
            raise NotYet(
                f"{blob.source.address.shown} cannot be used: {error.cause}",
                error.next_step or "Ask the publisher, or put the binary into place by hand.",
                _BROKEN_RETRY,
            ) from None
        finally:
            place.sweep(self.layout)
            download.prune(
                self.layout,
                self.around.settings.cosmovisor_staging_keep,
                "" if self.request.execute else blob.sha256,
            )
        if not moved and self.request.execute:
            durable.remove_file(blob.path)
        return Built(self.origin(blob, found.notes), found.sha256)

    def _look(self, blob: Blob, built: str, found: shape.Shape) -> None:
        """The static checks, before anything is in place: what cannot run does not get there."""
        path = os.path.join(built, found.daemon)
        if self.pins and found.sha256 not in self.pins:
            durable.remove_file(blob.path)
            raise NotYet(
                f"the program's sha256 {found.sha256} is not the one pinned in config.toml",
                "Correct the pin, or the URL.",
                _BROKEN_RETRY,
            )
        folders = prove.library_path(built, self.around.environ)
        kept = prove.library_path(self.layout.folder(self.version), {})
        for proof in preflight.examine(path, (*folders, *kept), self.around.environ):
            if proof.outcome == "blocking":
                durable.remove_file(blob.path)
                raise NotYet(
                    f"what was fetched cannot run here: {proof.text.replace(path, found.was)}",
                    proof.fix.replace(path, found.was),
                    _BROKEN_RETRY,
                )

    def origin(self, blob: Blob, notes: tuple[str, ...] = ()) -> prove.Origin:
        """Say where a download comes from."""
        return prove.Origin(
            source="hand" if blob.source.address.local else blob.source.address.shown,
            trust=trust.worth(blob.source),
            fetched_sha256=blob.sha256,
            proofs=(*blob.proofs, *(Proof("archive", "ok", note) for note in notes)),
            opinions=blob.opinions,
        )

    def hold(self, blob: Blob, built: Built) -> Record:
        """The plan is not decided: the file stays in the cache, and nothing goes into place."""
        origin = built.origin
        kept = record.Record(
            folder=self.version.folder,
            path=blob.path,
            sha256=built.sha256,
            identity=record.identity_of(os.stat(blob.path)),
            plan_name=self.plan.name,
            plan_height=self.plan.height,
            info_sha256=record.info_digest(self.plan.info),
            source=origin.source,
            trust=origin.trust,
            proofs=origin.proofs,
            staged_at=prove.now(),
            fetched_sha256=blob.sha256,
            opinions=origin.opinions,
        )
        record.save(self.layout.proof(self.version), kept)
        return kept


def _no_documents(_place: Address, _operator: bool) -> tuple[str, str]:
    raise Refused("downloads are not allowed (DAEMON_ALLOW_DOWNLOAD_BINARIES)")
