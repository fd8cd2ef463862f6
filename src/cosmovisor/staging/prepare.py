"""One run of staging: from a plan to a proven binary in its place, or to the reason why not."""

from __future__ import annotations

import os

from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.value import replace, value
from cosmovisor.staging import overrides, place, prove, record, warm
from cosmovisor.staging.outcome import NotYet, PlacedMeanwhile
from cosmovisor.storage import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cosmovisor.config.layout import Layout
    from cosmovisor.config.settings import Settings
    from cosmovisor.model.plan import Plan, Version
    from cosmovisor.model.receipts import Proof
    from cosmovisor.staging.download import Blob
    from cosmovisor.staging.getting import Getter
    from cosmovisor.staging.network import Network
    from cosmovisor.staging.record import Record
    from cosmovisor.staging.request import Request

#: A file that has changed is looked at soon; what others say of it changes slowly.
_CHANGE_RETRY, _DOUBT_RETRY = 30.0, 600.0


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
        node_home: The node's home, to learn its chain and RPC; empty where nobody is to be asked.
        space: Says whether the backup of a node's home will fit; None in tests of the rest.
    """

    settings: Settings
    layout: Layout
    environ: Mapping[str, str]
    config_file: str | None = None
    network: Network | None = None
    probes: prove.Probes | None = None
    node_home: str = ""
    space: Callable[[str], tuple[Proof, ...]] | None = None


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
        self._getter: Getter | None = None

    @property
    def allowed(self) -> bool:
        """Whether anything may be fetched."""
        return self.around.settings.daemon_allow_download_binaries or self.request.download

    @property
    def node_home(self) -> str:
        """The node's home, as far as it is known."""
        return self.request.node_home or self.around.node_home

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
            return self._fetch()
        except PlacedMeanwhile:
            self.progress(f"{path} was put into place meanwhile")
            return self._prove()

    @property
    def getter(self) -> Getter:
        """What fetches; its code is loaded here, since most runs only prove what lies in its place."""
        if self._getter is None:
            from cosmovisor.staging.getting import Getter

            self._getter = Getter(self.around, self.request, self.version, self.overrides, self.progress)
        return self._getter

    def _fetch(self) -> Record:
        blob = self.getter.obtain()
        if self.request.execute:
            return self._place(blob, swap=False)
        return self.getter.hold(blob, self.getter.build(blob, swap=False))

    def _place(self, blob: Blob, *, swap: bool) -> Record:
        """Put a download into place and prove it; mirrors are slow and are compared when it is there."""
        built = self.getter.build(blob, swap=swap)
        found = self._prove(origin=built.origin, digest=built.sha256)
        return _unless_blocked(self.getter.ask_mirrors(blob, found))

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
        doubted = [proof for proof in found.blocking if proof.name == "confidence"]
        if len(doubted) < len(found.blocking):
            return _unless_blocked(found)
        if self.request.recheck:
            warm.warm(self.layout, self.version)
        if (self.request.recheck or doubted) and self.allowed and found.source != "hand":
            found = self.getter.ask_release_again(self.getter.compare_list(found))
        if self.request.execute and not self.request.urgent:
            found = self._look_at_space(self._ask_upgraded(found))
        return _unless_blocked(found)

    def _ask_upgraded(self, found: Record) -> Record:
        """Ask the nodes that are past the height, if there are any, which version they run."""
        if not self.node_home:
            return found
        from cosmovisor.staging import opinions, upgraded

        heard = upgraded.ask(upgraded.around(self.around, self.node_home), self.plan.height, found.says)
        if heard is None:
            return found
        changed = opinions.attach(found, (heard,), self.around.settings)
        if changed != found:
            record.save(self.layout.proof(self.version), changed)
        return changed

    def _look_at_space(self, found: Record) -> Record:
        """Say in the record whether the backup will fit, while there is time to make room."""
        if self.around.space is None:
            return found
        others = tuple(proof for proof in found.proofs if proof.name != "space")
        changed = replace(found, proofs=(*others, *self.around.space(self.node_home)))
        if changed != found:
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
            blob = self.getter.obtain()
        except NotYet as error:
            accept = f"Or accept the binary in place: cosmovisor approve {self.plan.name}"
            raise NotYet(
                f"the plan has changed since its binary was fetched; another cannot be had: {error.cause}",
                f"{error.next_step} {accept}".lstrip(),
                error.retry_after,
            ) from None
        if self.old is not None and blob.sha256 == self.old.fetched_sha256:
            durable.remove_file(blob.path)
            return self._prove(origin=self.getter.origin(blob))
        return self._place(blob, swap=True)


def _unless_blocked(found: Record) -> Record:
    """Return a record that forbids no launch.

    Raises:
        NotYet: It does.
    """
    for proof in sorted(found.blocking, key=lambda each: each.name == "confidence"):
        raise NotYet(proof.text, proof.fix, _DOUBT_RETRY if proof.name == "confidence" else _CHANGE_RETRY)
    return found
