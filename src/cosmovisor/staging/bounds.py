"""What an archive may ask of us; counted while unpacking, so that a lie in a header changes nothing."""

from __future__ import annotations

import time
import unicodedata

from cosmovisor.model.errors import StagingError
from cosmovisor.model.value import value


class ArchiveError(StagingError):
    """The archive breaks a rule; nothing of it is used."""


@value
class Bounds:
    """Limits for one archive.

    Attributes:
        entries: Files, folders and links together.
        size: Bytes of all files unpacked.
        ratio: Bytes unpacked for each byte packed, once more than `free` have come out.
        free: Bytes for which the ratio is not looked at.
        depth: Folders within folders.
        seconds: Time for the whole.
    """

    entries: int = 50_000
    size: int = 8 << 30
    ratio: int = 60
    free: int = 64 << 20
    depth: int = 40
    seconds: float = 900.0


class Budget:
    """What is left of the bounds while an archive is unpacked."""

    def __init__(self, bounds: Bounds, packed: int) -> None:
        self.bounds = bounds
        self.packed = packed
        self.out = 0
        self.entries = 0
        self.deadline = time.monotonic() + bounds.seconds

    def spend(self, size: int) -> None:
        """Bytes have come out of a decompressor.

        Raises:
            ArchiveError: Too many, too many for what went in, or too late.
        """
        self.out += size
        if self.out > self.bounds.size:
            raise ArchiveError(f"the archive unpacks to more than {self.bounds.size} bytes")
        if self.out > self.bounds.free and self.out > self.packed * self.bounds.ratio:
            raise ArchiveError(
                f"the archive unpacks to more than {self.bounds.ratio} times its size, as only bombs do"
            )
        if time.monotonic() > self.deadline:
            raise ArchiveError(f"the archive takes longer than {self.bounds.seconds:.0f} s to unpack")

    def entry(self) -> None:
        """Another entry was met.

        Raises:
            ArchiveError: Too many, or too late.
        """
        self.entries += 1
        if self.entries > self.bounds.entries:
            raise ArchiveError(f"the archive has more than {self.bounds.entries} entries")
        if time.monotonic() > self.deadline:
            raise ArchiveError(f"the archive takes longer than {self.bounds.seconds:.0f} s to unpack")


class Names:
    """Checks the names of entries: inside the folder, each only once, also for those who ignore case."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.kinds: dict[str, str] = {}
        self._folded: dict[str, str] = {}

    def add(self, name: str, kind: str) -> str:
        """Take in an entry.

        Args:
            name: As the archive has it.
            kind: `file`, `folder`, `link`.

        Returns:
            The name, relative, without `./` and a closing slash; empty for the root itself.

        Raises:
            ArchiveError: The name leads outside, is not a name, or was there before.
        """
        clean = self.clean(name)
        if not clean:
            if kind == "folder":
                return ""
            raise ArchiveError(f"the archive has an entry without a name: {name!r}")
        parts = clean.split("/")
        for end in range(1, len(parts)):
            self._put("/".join(parts[:end]), "folder", implied=True)
        self._put(clean, kind, implied=False)
        return clean

    def clean(self, name: str) -> str:
        """Check one name and return it in its plain form.

        Raises:
            ArchiveError: It cannot be the name of something inside the folder.
        """
        if len(name) > 1024:
            raise ArchiveError(f"the archive has a name of {len(name)} characters")
        if name.startswith("/"):
            raise ArchiveError(f"the archive has an absolute name: {name!r}")
        if any(ord(each) < 32 or ord(each) == 127 or each == "\\" for each in name):
            raise ArchiveError(f"the archive has a name with control characters or backslashes: {name!r}")
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise ArchiveError(f"the archive has a name that is not UTF-8: {name!r}") from None
        parts = [part for part in name.split("/") if part not in {"", "."}]
        if ".." in parts:
            raise ArchiveError(f"the archive has a name that leads outside: {name!r}")
        if len(parts) > self.depth:
            raise ArchiveError(f"the archive has folders more than {self.depth} deep")
        if any(len(part.encode()) > 255 for part in parts):
            raise ArchiveError(f"the archive has a name that no file system takes: {name[:60]!r}")
        return "/".join(parts)

    def _put(self, name: str, kind: str, *, implied: bool) -> None:
        had = self.kinds.get(name)
        if had is not None:
            if had == kind == "folder":
                return
            if implied:
                raise ArchiveError(f"the archive has something below {name!r}, which is a {had}")
            raise ArchiveError(f"the archive has two entries named {name!r}")
        folded = unicodedata.normalize("NFC", name).casefold()
        twin = self._folded.get(folded)
        if twin is not None:
            raise ArchiveError(f"the archive has {twin!r} and {name!r}, which differ only in case")
        self._folded[folded] = name
        self.kinds[name] = kind
