"""Damaged at random: readers of staging answer or refuse, within their bounds, and never fail in another way."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile

from hypothesis import given
from hypothesis import strategies as st

from cosmovisor.model.errors import CosmovisorError, StagingError
from cosmovisor.staging import address, checksums, elf, loader, record, registry, request, unpack
from cosmovisor.staging.bounds import ArchiveError, Bounds
from tests.support import binaries
from tests.support.fuzzing import fuzz
from tests.support.staging_home import tar, zipped

ROUNDS = fuzz(150)
ARCHIVES = [
    tar(("bin/testd", b"x" * 3000), ("LICENSE", b"y" * 700), mode="w"),
    tar(("bin/testd", b"x" * 3000), ("LICENSE", b"y" * 700)),
    tar(("bin/testd", b"x" * 3000), mode="w:xz"),
    zipped(("bin/testd", b"x" * 3000), ("LICENSE", b"y" * 700)),
]
ELF = binaries.elf(interpreter="/lib64/ld-linux-x86-64.so.2", needed=("libc.so.6", "liba.so"))


@st.composite
def damaged(draw, wholes):
    data = bytearray(draw(st.sampled_from(wholes)))
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["flip", "cut", "insert", "repeat"]))
        at = draw(st.integers(0, max(0, len(data) - 1)))
        if kind == "flip" and data:
            data[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 600))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=64))
        else:
            data[at:at] = data[at : at + 512]
    return bytes(data)


@ROUNDS
@given(damaged(ARCHIVES))
def test_a_damaged_archive_is_refused_or_stays_inside_its_folder(data):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a")
        with open(path, "wb") as file:
            file.write(data)
        with contextlib.suppress(ArchiveError):
            unpack.unpack(
                path,
                os.path.join(folder, "out"),
                "testd",
                bounds=Bounds(entries=50, size=1 << 20, seconds=20),
            )
        assert set(os.listdir(folder)) <= {"a", "out"}
        for found, folders, files in os.walk(os.path.join(folder, "out")):
            for name in (*folders, *files):
                real = os.path.realpath(os.path.join(found, name))
                assert real.startswith(os.path.realpath(folder) + "/out/") or not os.path.exists(real)


@ROUNDS
@given(damaged([ELF]))
def test_a_damaged_elf_file_is_read_or_refused(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            found = elf.parse(file.name)
        except elf.ElfError as error:
            assert str(error)
        else:
            assert found.end <= len(data)


@ROUNDS
@given(st.one_of(st.binary(max_size=3000), damaged([b"glibc-ld.so.cache1.1" + bytes(100)])))
def test_a_damaged_loader_cache_is_read_or_left_out(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        assert all(name and path for name, path in loader.read_cache(file.name).items())


@ROUNDS
@given(
    st.one_of(
        st.text(max_size=200), st.from_regex(r"https?://[^\s]{1,40}(\?checksum=[^\s]{0,80})?", fullmatch=True)
    )
)
def test_any_text_is_an_address_or_a_refusal(text):
    with contextlib.suppress(StagingError):
        found = address.parse(text)
        assert found.scheme in {"http", "https"}
        assert found.host
        assert not found.local
        assert not any(each.isspace() for each in found.url)


@ROUNDS
@given(st.one_of(st.binary(max_size=2000), st.text(max_size=500).map(str.encode)))
def test_any_checksum_list_gives_one_digest_or_a_refusal(data):
    with contextlib.suppress(StagingError):
        found = checksums.find(data, "testd")
        assert len(found.hex) == address.DIGITS[found.kind]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["name", "height", "info", "binaries", "versions", "schema", "identity", "proofs"]), inner, max_size=5)),
    max_leaves=20,
)  # fmt: skip


@ROUNDS
@given(JSON)
def test_any_json_is_a_request_a_registry_a_record_or_a_refusal(document):
    text = json.dumps(document)
    with contextlib.suppress(CosmovisorError):
        asked = request.read(io.BytesIO(text.encode()))
        assert asked.plan.name == document["name"]
    with contextlib.suppress(StagingError):
        assert all(isinstance(entry.name, str) for entry in registry.parse(text))
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        kept = record.load(file.name)
        assert kept is None or isinstance(kept.folder, str)
