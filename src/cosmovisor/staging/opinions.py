"""A second opinion on a file that came without a digest: the checksum list of its release.

What is learned so is a stated confidence and never a silent yes: whoever can change the file on the server
can often change the list too. Only a contradiction is worth more: then something is wrong for certain.
"""

from __future__ import annotations

import posixpath
from urllib.parse import urlsplit, urlunsplit

from cosmovisor.model.errors import StagingError
from cosmovisor.model.receipts import Proof
from cosmovisor.staging import checksums, trust
from cosmovisor.staging.outcome import NotYet, PlacedMeanwhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.staging.download import Blob, Downloads

_LISTS = ("checksums.txt", "SHA256SUMS", "sha256sum.txt", "SHA256SUMS.txt", "sha256sums.txt")
_WRONG_RETRY = 3600.0


def ask(downloads: Downloads, blob: Blob) -> tuple[Proof, ...]:
    """Look for a checksum list beside a file that came without a digest.

    Raises:
        NotYet: The release's own list names another digest for this file.
    """
    place = blob.source.address
    if place.local or place.digest is not None or trust.worth(blob.source) != "https":
        return ()
    parts = urlsplit(place.url)
    folder = posixpath.dirname(parts.path).rstrip("/")
    for name in (f"{posixpath.basename(parts.path)}.sha256", *_LISTS):
        url = urlunsplit((parts.scheme, parts.netloc, f"{folder}/{name}", "", ""))
        try:
            data = downloads.small(url, operator=blob.source.operator, largest=checksums.LARGEST)
            digest = checksums.find(data, place.file)
        except PlacedMeanwhile:
            raise
        except StagingError:
            continue
        if digest.kind != "sha256":
            continue
        if digest.hex != blob.sha256:
            raise NotYet(
                f"{place.shown} is not the file that the release's own {name} names: "
                f"its sha256 is {blob.sha256}, expected {digest.hex}",
                "One of the two was changed; ask the publisher, or pin the right digest in [sources].",
                _WRONG_RETRY,
            )
        return (Proof("confidence", "ok", f"the release's own {name} names the same sha256"),)
    return (Proof("confidence", "warning", "no checksum list was found beside it"),)
