"""A home with a server beside it, and one call that stages a plan in it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import zipfile

from cosmovisor.model.plan import Plan
from cosmovisor.staging import ready
from cosmovisor.staging.outcome import NotYet
from cosmovisor.staging.platforms import this_platform
from cosmovisor.staging.prepare import Surroundings, prepare
from cosmovisor.staging.request import Request
from tests.support import binaries
from tests.support.file_server import Server, public

KEY = this_platform().key
PROGRAM = binaries.elf(size=5000)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tar(*members, mode: str = "w:gz") -> bytes:
    """Make a tar archive of (name, bytes) pairs, or of ready TarInfo objects with their bytes."""
    out = io.BytesIO()
    # Without a time in it: the same call makes the same bytes in every process that collects the tests.
    packed = gzip.GzipFile(fileobj=out, mode="wb", mtime=0) if mode == "w:gz" else out
    with tarfile.open(fileobj=packed, mode="w" if mode == "w:gz" else mode) as archive:
        for name, data in members:
            info = name
            if isinstance(name, str):
                info = tarfile.TarInfo(name)
                info.mode = 0o755
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data))
    if packed is not out:
        packed.close()
    return out.getvalue()


def zipped(*members) -> bytes:
    """Make a zip archive of (name or ZipInfo, bytes) pairs."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            entry = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return out.getvalue()


class Home:
    """A home for the daemon `testd` with downloads allowed.

    Everything outside of `cosmovisor/` is watched: `outside()` lists it.
    """

    def __init__(self, folder, **changes) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.settings = binaries.settings(self.home, **{"daemon_allow_download_binaries": True, **changes})
        self.layout = binaries.layout(self.home)
        os.makedirs(self.layout.root)
        self.server = Server()
        self.network = public()
        self.said: list[str] = []

    def close(self) -> None:
        self.server.close()

    def path(self, name: str = "v2") -> str:
        return self.layout.bin(self.layout.version_for(name, True))

    def info(self, url: str, key: str = KEY) -> str:
        return json.dumps({"binaries": {key: url}})

    def serve(self, data: bytes, path: str = "/testd", *, digest: bool = True) -> str:
        """Serve bytes and return their URL, with the right digest."""
        self.server.files[path] = data
        return self.server.url(path) + (f"?checksum=sha256:{sha256(data)}" if digest else "")

    def stage(self, info: str, name: str = "v2", **flags):
        return self.run(Plan(name, 10, info), **flags)

    def run(self, plan: Plan, **flags):
        around = Surroundings(self.settings, self.layout, dict(os.environ), network=self.network)
        return prepare(around, Request(plan, **flags), self.said.append)

    def refused(self, info: str, **flags) -> NotYet:
        """Stage a plan that must fail, three times, and hold that nothing came of it."""
        first = None
        for _ in range(3):
            try:
                found = self.stage(info, **flags)
            except NotYet as error:
                first = first or error
                assert error.cause
            else:
                raise AssertionError(f"accepted: {found}")
            self.nothing_left()
        return first

    def nothing_left(self) -> None:
        """Nothing in place, nothing half-done, nothing outside, nothing executable, nothing ready."""
        assert not os.path.lexists(self.layout.upgrades), os.listdir(self.layout.upgrades)
        left = [
            os.path.join(folder, name)
            for folder, folders, files in os.walk(self.layout.staging)
            for name in (*folders, *files)
            if name.endswith(".partial") or os.access(os.path.join(folder, name), os.X_OK) and name in files
        ]
        assert not left, left
        links = [
            os.path.join(folder, name)
            for folder, folders, files in os.walk(self.folder)
            for name in (*folders, *files)
            if os.path.islink(os.path.join(folder, name))
        ]
        assert not links, links
        assert set(os.listdir(self.folder)) <= {"home"}, os.listdir(self.folder)
        assert set(os.listdir(self.home)) <= {"cosmovisor"}, os.listdir(self.home)
        assert set(os.listdir(self.layout.root)) <= {"staging", "config.toml"}, os.listdir(self.layout.root)
        assert "there is no binary" in ready.check(self.settings, self.layout, Plan("v2", 10)).reason
