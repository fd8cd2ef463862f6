"""From a source to a verified file in the cache: `staging/cache/<sha256>`."""

from __future__ import annotations

import hashlib
import os

from cosmovisor.model.errors import StagingError
from cosmovisor.model.receipts import Opinion, Proof
from cosmovisor.model.value import replace, value
from cosmovisor.staging import address, checksums, minisign, trust
from cosmovisor.staging.connection import Refused
from cosmovisor.staging.fetch import Fetched, Order, fetch
from cosmovisor.staging.outcome import NotYet, PlacedMeanwhile
from cosmovisor.staging.prove import sha256_of
from cosmovisor.staging.sources import WORTH
from cosmovisor.storage import calls, durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cosmovisor.config.layout import Layout
    from cosmovisor.config.settings import Settings
    from cosmovisor.staging.address import Address
    from cosmovisor.staging.network import Network
    from cosmovisor.staging.sources import Source

_LARGEST_LIST = 1024 * 1024
_CHUNK = 1 << 20


@value
class Blob:
    """A verified file.

    Attributes:
        path: Where it is.
        sha256: Its digest.
        source: Where it came from.
        proofs: What its origin is worth.
        opinions: What was learned elsewhere.
    """

    path: str
    sha256: str
    source: Source
    proofs: tuple[Proof, ...]
    opinions: tuple[Opinion, ...] = ()


class Downloads:
    """Fetches for one staging run."""

    def __init__(
        self, settings: Settings, layout: Layout, network: Network, progress: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self.network = network
        self.progress = progress
        self.cache = os.path.join(layout.staging, "cache")
        self.parts = os.path.join(layout.staging, "downloads")
        durable.make_folder(self.cache, 0o700)
        durable.make_folder(self.parts, 0o700)

    def obtain(self, sources: Iterable[Source]) -> Blob:
        """Fetch from the first source that gives the right file.

        Raises:
            NotYet: None does; says why for each, and when to try again.
        """
        problems: list[str] = []
        fixes: list[str] = []
        retries: list[float] = []
        for source in sources:
            try:
                return self._one(source)
            except PlacedMeanwhile:
                raise
            except StagingError as error:
                problems.append(error.cause)
                fixes.append(error.next_step)
                after = getattr(error, "retry_after", None)
                if after is not None:
                    retries.append(after)
        raise NotYet(
            "; ".join(dict.fromkeys(problems)),
            next((fix for fix in fixes if fix), "Put the binary into place by hand."),
            min(retries, default=None),
        )

    def document(self, place: Address, operator: bool) -> tuple[str, str]:
        """Fetch a list of binaries; returns its text and what it is worth.

        Raises:
            StagingError: It cannot be had, or the policy forbids it.
        """
        from cosmovisor.staging.sources import Source

        source = Source(place, "the plan", operator, "digest")
        trust.admit(source, self.settings)
        self.progress(f"fetching the list {place.shown}")
        path = os.path.join(self.parts, "list.part")
        fetched = self._fetch(source, path, _LARGEST_LIST)
        try:
            trust.verify(self._with_list(source), fetched)
            with open(path, "rb") as file:
                return file.read(_LARGEST_LIST + 1).decode("utf-8", "replace"), trust.worth(source)
        finally:
            durable.remove_file(path)

    def digest(self, source: Source) -> str:
        """Fetch a file only to learn its sha256; nothing of it is kept.

        Raises:
            StagingError: It cannot be had.
        """
        trust.admit(source, self.settings)
        self.progress(f"comparing with {source.address.shown}")
        path = os.path.join(self.parts, "compare.part")
        try:
            return self._fetch(source, path, self.settings.cosmovisor_download_limit).digests["sha256"]
        finally:
            durable.remove_file(path)

    def small(
        self, url: str, *, operator: bool, largest: int, digest_follows: bool = False, seconds: float = 0.0
    ) -> bytes:
        """Fetch a small file that judges others: a checksum list or a signature.

        Args:
            url: Where it is.
            operator: True where the operator names it.
            largest: Most bytes to accept.
            digest_follows: True where it is checked itself, as a signature is.
            seconds: Try once, for so long; 0 for the usual limits.

        Raises:
            StagingError: It cannot be had.
        """
        place = address.parse(url, operator=operator)
        path = os.path.join(self.parts, "small.part")
        if place.local:
            path = place.url
            if os.path.getsize(path) > largest:
                raise Refused(f"{path} is larger than {largest} bytes")
        else:
            loose = self.settings.cosmovisor_trust == "off"
            order = Order(place.url, path, largest, plain=loose or digest_follows, private=loose or operator)
            fetch(self.network.within(seconds) if seconds else self.network, order, self.progress)
        with open(path, "rb") as file:
            data = file.read(largest + 1)
        if not place.local:
            durable.remove_file(path)
        return data

    def _one(self, source: Source) -> Blob:
        trust.admit(source, self.settings)
        source = self._with_list(source)
        digest = source.address.digest
        if digest is not None and digest.kind == "sha256":
            kept = os.path.join(self.cache, digest.hex)
            if os.path.isfile(kept) and sha256_of(kept) == digest.hex:
                self.progress(f"{source.address.shown} is in the cache")
                return self._blob(kept, digest.hex, source)
        key = f"{digest.kind}-{digest.hex[:64]}" if digest else f"url-{_hash(source.address.url)}"
        path = os.path.join(self.parts, f"{key}.part")
        self.progress(f"fetching {source.address.shown}")
        fetched = self._fetch(source, path, self.settings.cosmovisor_download_limit)
        try:
            trust.verify(source, fetched)
            own = source.override
            if own is not None and own.minisign_key:
                self._signed(source, path)
        except StagingError:
            durable.remove_file(path)
            raise
        kept = os.path.join(self.cache, fetched.digests["sha256"])
        durable.sync_file(path)
        durable.move(path, kept)
        return self._blob(kept, fetched.digests["sha256"], source)

    def _blob(self, path: str, sha256: str, source: Source) -> Blob:
        os.utime(path)
        return Blob(path, sha256, source, trust.proofs(source, self.settings))

    def _with_list(self, source: Source) -> Source:
        """Look the digest up where the source names a checksum list; it is worth what its fetch is worth."""
        place = source.address
        if not place.checksum_url or place.digest is not None:
            return source
        self.progress("fetching its checksum list")
        data = self.small(place.checksum_url, operator=source.operator, largest=checksums.LARGEST)
        digest = checksums.find(data, place.file)
        weaker = min(source.worth, "https", key=WORTH.index)
        return replace(source, address=replace(place, digest=digest), worth=weaker)

    def _fetch(self, source: Source, path: str, largest: int) -> Fetched:
        place = source.address
        if place.local:
            return _copy(place.url, path, largest, place)
        # A digest that itself came over https holds a file that comes over anything; a list of checksums is
        # named by whoever named the URL, so it opens no way into private networks.
        loose = self.settings.cosmovisor_trust == "off"
        own_digest = place.digest is not None and not place.checksum_url
        # What the operator has pinned or a signature holds is judged after the fetch, wherever it came from.
        held = trust.worth(source) in {"pinned", "signed"}
        order = Order(
            place.url,
            path,
            largest,
            kinds=() if place.digest is None or place.digest.kind == "sha256" else (place.digest.kind,),
            plain=loose or held or place.digest is not None,
            private=loose or held or own_digest or source.operator,
            exact=place.digest is not None,
        )
        return fetch(self.network, order, self.progress)

    def _signed(self, source: Source, path: str) -> None:
        own = source.override
        if own is None:
            return
        url = own.minisign_signature or f"{source.address.url}.minisig"
        data = self.small(url, operator=True, largest=minisign.LARGEST, digest_follows=True)
        minisign.verify(path, own.minisign_key, data)


def prune(layout: Layout, keep: int, current: str) -> None:
    """Remove what earlier runs have left, but for the newest.

    Args:
        layout: The folder tree.
        keep: How many files of other plans are kept.
        current: Digest of the file that is in use now; it is kept beside them.
    """
    for folder in ("cache", "downloads"):
        place = os.path.join(layout.staging, folder)
        try:
            entries = [entry for entry in os.scandir(place) if entry.name != current]
        except OSError:
            continue
        entries.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime, reverse=True)
        for entry in entries[max(keep, 0) :]:
            durable.remove_tree(entry.path)


def _copy(source: str, path: str, largest: int, place: Address) -> Fetched:
    """Take a local file of the operator's."""
    kinds = {"sha256"} | ({place.digest.kind} if place.digest else set())
    hashes = {kind: hashlib.new(kind, usedforsecurity=False) for kind in kinds}
    durable.remove_file(path)
    size = 0
    try:
        with open(source, "rb") as file:
            if not os.path.isfile(source):
                raise Refused(f"{source} is not a regular file")
            fd = calls.create(path, 0o600)
            try:
                while data := file.read(_CHUNK):
                    size += len(data)
                    if size > largest:
                        raise Refused(f"{source} is larger than {largest} bytes")
                    for each in hashes.values():
                        each.update(data)
                    durable.write_all(fd, data)
            finally:
                calls.close(fd)
    except OSError as error:
        raise NotYet(f"cannot read {source}: {error.strerror}", "Check [sources] in config.toml.") from None
    return Fetched(path, size, {kind: each.hexdigest() for kind, each in hashes.items()}, source, True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
