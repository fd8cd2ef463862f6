"""One run of staging: from a plan to a proven binary in its place, or to the reason why not."""

from __future__ import annotations

import os
import time

from cosmovisor.model.errors import CosmovisorError, StagingError
from cosmovisor.model.receipts import Proof
from cosmovisor.model.value import replace, value
from cosmovisor.plan import info as plan_info
from cosmovisor.staging import (
    building,
    download,
    overrides,
    place,
    preflight,
    prove,
    record,
    shape,
    sources,
    warm,
)
from cosmovisor.staging.bounds import ArchiveError
from cosmovisor.staging.connection import Refused
from cosmovisor.staging.network import Limits, Network
from cosmovisor.staging.outcome import NotYet, PlacedMeanwhile
from cosmovisor.storage import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cosmovisor.config.layout import Layout
    from cosmovisor.config.settings import Settings
    from cosmovisor.model.plan import Plan, Version
    from cosmovisor.staging.address import Address
    from cosmovisor.staging.download import Blob, Downloads
    from cosmovisor.staging.record import Record
    from cosmovisor.staging.request import Request

_CHANGE_RETRY, _BROKEN_RETRY = 30.0, 3600.0
#: A placeholder is filled in at any time; nobody wants to miss that by an hour.
_PLACEHOLDER_RETRY = 600.0
#: How often a download looks whether it is still wanted.
_LOOK = 0.3


@value
class Surroundings:
    """What a run needs beside its request.

    Attributes:
        settings: The settings in force.
        layout: The folder tree.
        environ: The node's environment.
        config_file: The configuration file that the operator has named, if any.
        network: The seam to the world.
        probes: Makes what runs a binary in a cage; None in tests of the rest.
    """

    settings: Settings
    layout: Layout
    environ: Mapping[str, str]
    config_file: str | None = None
    network: Network | None = None
    probes: prove.Probes | None = None


def prepare(around: Surroundings, request: Request, progress: Callable[[str], None]) -> Record | None:
    """Stage the binary of one plan.

    Args:
        around: Settings, folders, network.
        request: The plan, and what may be done for it.
        progress: Told what is being done, for the operator.

    Returns:
        The record of the binary; its path tells whether it lies in its final place. None where the plan is
        gone and what was fetched for it was taken out.

    Raises:
        NotYet: There is no usable binary; says why and when to try again.
    """
    version = around.layout.version_for(request.plan.name, around.settings.recase)
    with place.alone(around.layout):
        place.sweep(around.layout)
        run = _Run(around, request, version, progress)
        if request.cancelled:
            run.take_out()
            return None
        found = run.stage()
        if request.operator and found.info_sha256 != record.ANY_INFO:
            found = replace(found, info_sha256=record.ANY_INFO)
            record.save(around.layout.proof(version), found)
        return found


def failure(error: CosmovisorError) -> tuple[str, str, float | None]:
    """Take reason, fix and time of the next try out of an error."""
    return error.cause, error.next_step, getattr(error, "retry_after", None)


class _Run:
    def __init__(
        self, around: Surroundings, request: Request, version: Version, progress: Callable[[str], None]
    ) -> None:
        self.around = around
        self.layout = around.layout
        self.request = request
        self.version = version
        self.progress = progress
        self.overrides = overrides.load(self.layout, around.config_file)
        own = self.overrides.of(request.plan.name)
        self.pins = frozenset({own.binary_sha256} if own.binary_sha256 else ())
        self.old = record.load(self.layout.proof(version))
        self._free = not place.is_there(self.layout.bin(version))
        self._next_look = 0.0

    @property
    def allowed(self) -> bool:
        """Whether anything may be fetched."""
        return self.around.settings.daemon_allow_download_binaries or self.request.download

    @property
    def plan(self) -> Plan:
        return self.request.plan

    def take_out(self) -> None:
        if self.old is not None and place.take_out(self.layout, self.version, self.old):
            self.progress(
                f"{self.layout.folder(self.version)} was fetched for a plan that is gone; taken out"
            )

    def stage(self) -> Record:
        path = self.layout.bin(self.version)
        if place.is_there(path) or (os.path.lexists(path) and not self.allowed):
            if self._is_of_another_plan():
                return self._restage()
            return self._prove()
        try:
            return self._build(self._obtain(), swap=False)
        except PlacedMeanwhile:
            self.progress(f"{path} was put into place meanwhile")
            return self._prove()

    def _prove(self, *, origin: prove.Origin | None = None, digest: str = "") -> Record:
        """Prove what lies in its place."""
        if origin is None:
            self.progress(f"proving {self.layout.bin(self.version)}")
        found = prove.prove(
            self.layout,
            self.version,
            self.plan,
            self.around.environ,
            origin=origin,
            pins=self.pins,
            probes=self.around.probes if self.request.execute and not self.request.urgent else None,
            known_digest=digest,
            fresh=self.request.recheck,
            keep=self._may_keep(),
        )
        for proof in found.blocking:
            raise NotYet(proof.text, proof.fix, _CHANGE_RETRY)
        if self.request.recheck:
            warm.warm(self.layout, self.version)
            found = self._compare_list(found)
        return found

    def _compare_list(self, found: Record) -> Record:
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

    def _may_keep(self) -> bool:
        """A plan that is not decided leaves the proof of what was fetched for a decided one alone."""
        if self.request.execute or self.old is None or self.old.source == "hand":
            return True
        try:
            return record.identity_of(os.stat(self.layout.bin(self.version))) != self.old.identity
        except OSError:
            return True

    def _is_of_another_plan(self) -> bool:
        """Whether the binary in place was fetched by us, for a plan of this name that has changed since."""
        old = self.old
        if old is None or old.source == "hand" or record.is_for(old, self.plan) or not self.request.execute:
            return False
        if old.approved_sha256 == old.sha256 or place.is_in_use(self.layout, self.version):
            return False
        try:
            return record.identity_of(os.stat(old.path)) == old.identity
        except OSError:
            return False

    def _restage(self) -> Record:
        """The plan has changed: look at what it names now; only another file takes the place."""
        self.progress("the plan has changed; looking at what it names now")
        try:
            blob = self._obtain()
        except NotYet as error:
            accept = f"Or accept the binary in place: cosmovisor approve {self.plan.name}"
            raise NotYet(
                f"the plan has changed since its binary was fetched; another cannot be had: {error.cause}",
                f"{error.next_step} {accept}".lstrip(),
                error.retry_after,
            ) from None
        if self.old is not None and blob.sha256 == self.old.fetched_sha256:
            durable.remove_file(blob.path)
            return self._prove(origin=self._origin(blob, ()))
        return self._build(blob, swap=True)

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

    def _obtain(self) -> Blob:
        downloads = self._downloads()
        found = self._sources(downloads)
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
        return self._with_opinion(downloads, blob)

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

    def _with_opinion(self, downloads: Downloads, blob: Blob) -> Blob:
        from cosmovisor.staging import opinions

        if self.request.urgent:
            return blob
        heard = opinions.ask(downloads, blob)
        return replace(blob, proofs=(*blob.proofs, *heard)) if heard else blob

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

    def _build(self, blob: Blob, *, swap: bool) -> Record:
        """Unpack, look at it, and put it into place."""
        name = self.layout.daemon_name
        stem = os.path.join(self.layout.staging, blob.sha256)
        raw, built = f"{stem}.unpacked.partial", f"{stem}.partial"
        self.progress(f"unpacking {blob.source.address.file}")
        moved = False
        try:
            found, moved = building.build(blob, raw, built, name, keep=not self.request.execute)
            self._look(blob, built, found)
            origin = self._origin(blob, found.notes)
            if not self.request.execute:
                return self._held(blob, found, origin)
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
        if not moved:
            durable.remove_file(blob.path)
        return self._prove(origin=origin, digest=found.sha256)

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

    def _origin(self, blob: Blob, notes: tuple[str, ...]) -> prove.Origin:
        from cosmovisor.staging import trust

        return prove.Origin(
            source="hand" if blob.source.address.local else blob.source.address.shown,
            trust=trust.worth(blob.source),
            fetched_sha256=blob.sha256,
            proofs=(*blob.proofs, *(Proof("archive", "ok", note) for note in notes)),
        )

    def _held(self, blob: Blob, found: shape.Shape, origin: prove.Origin) -> Record:
        """The plan is not decided: the file stays in the cache, and nothing goes into place."""
        kept = record.Record(
            folder=self.version.folder,
            path=blob.path,
            sha256=found.sha256,
            identity=record.identity_of(os.stat(blob.path)),
            plan_name=self.plan.name,
            plan_height=self.plan.height,
            info_sha256=record.info_digest(self.plan.info),
            source=origin.source,
            trust=origin.trust,
            proofs=origin.proofs,
            staged_at=prove.now(),
            fetched_sha256=blob.sha256,
        )
        record.save(self.layout.proof(self.version), kept)
        return kept


def _no_documents(_place: Address, _operator: bool) -> tuple[str, str]:
    raise Refused("downloads are not allowed (DAEMON_ALLOW_DOWNLOAD_BINARIES)")
