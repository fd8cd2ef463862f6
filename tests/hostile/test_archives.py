"""Archives made to harm: nothing of them is accepted, executed, written outside or left behind.

Each is served with its right digest, so that only the unpacking can refuse it, and is tried three times.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import struct
import tarfile
import zipfile

import pytest
import zstandard

from cosmovisor.staging.bounds import ArchiveError, Bounds
from cosmovisor.staging.unpack import unpack
from tests.support.staging_home import PROGRAM, sha256, tar, zipped

GOOD = ("bin/testd", PROGRAM)


@pytest.fixture(autouse=True)
def _small_bombs(monkeypatch):
    """The same rule of ratio, from fewer bytes on: a bomb for a test need not be large."""
    monkeypatch.setattr("cosmovisor.staging.unpack.Bounds", lambda: Bounds(free=2 << 20))


def info(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o755, **pax: str
) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.mode = kind, link, mode
    found.pax_headers = {key.replace("__", "."): item for key, item in pax.items()}
    return found


def zip_link(name: str, target: str):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry, target.encode()


def zip_mode(name: str, mode: int, data: bytes = b""):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, mode << 16
    return entry, data


OUTSIDE = [
    "../evil",
    "../../evil",
    "bin/../../evil",
    "/evil",
    "/tmp/evil",
    "./../evil",
    "a/b/../../../evil",
    "bin/..",
    "..",
]
BAD_NAMES = ["a\\b", "a\nb", "a\x1bb", "a\x7fb", "a" * 300, "/".join("d" * 60)]
#: What is said of names, of links, and of sizes, depending on what is wrong with them.
NAMES = re.compile(
    "leads outside|absolute name|control characters|no file system takes|folders more than|without a name"
)
TARGETS = re.compile(
    "link that leads outside|link to nothing|links in a circle|without a usable target|below .* is a link"
    "|absolute name|name that leads outside|hard link to 'later'|two entries named 's'"
)
TWICE = re.compile("two entries named|differ only in case|which is a file")
DEVICES = re.compile("a device, a pipe or something unknown: 'x'")
PAX = re.compile("leads outside|absolute name|control characters|a name of 5000 characters")
LIES = re.compile("one of several parts|before or after its table|says that it is large|cut short")
DAMAGE = re.compile("is cut short|is damaged|negative length|sparse file")


def reason(home, data: bytes, path: str = "/testd") -> str:
    """Why an archive is refused, three times over, with nothing left."""
    return home.refused(home.info(home.serve(data, path))).cause


@pytest.mark.parametrize("name", OUTSIDE + BAD_NAMES)
def test_tar_names_that_lead_outside_or_are_no_names(home, name):
    assert NAMES.search(reason(home, tar(GOOD, (name, b"evil"))))
    assert not os.path.exists("/evil")
    assert not os.path.exists("/tmp/evil")


@pytest.mark.parametrize("name", OUTSIDE + BAD_NAMES)
def test_zip_names_that_lead_outside_or_are_no_names(home, name):
    assert NAMES.search(reason(home, zipped(GOOD, (zipfile.ZipInfo(name), b"evil"))))
    assert not os.path.exists("/evil")
    assert not os.path.exists("/tmp/evil")


def test_a_zip_name_with_a_zero_byte(home):
    data = zipped(GOOD, ("evilXname", b"e")).replace(b"evilXname", b"evil\0name")
    assert "control characters" in reason(home, data)


LINKS = [
    [(info("out", tarfile.SYMTYPE, "/etc"), b""), ("out/passwd", b"x")],
    [(info("out", tarfile.SYMTYPE, "../.."), b""), ("out/evil", b"x")],
    [(info("out", tarfile.SYMTYPE, "/etc/passwd"), b"")],
    [(info("out", tarfile.SYMTYPE, "../../../../../../etc/passwd"), b"")],
    [(info("a", tarfile.SYMTYPE, "b"), b""), (info("b", tarfile.SYMTYPE, "a"), b"")],
    [(info("a", tarfile.SYMTYPE, "a"), b"")],
    [(info("a", tarfile.SYMTYPE, "nothing"), b"")],
    [(info("a/b", tarfile.SYMTYPE, ".."), b""), (info("c", tarfile.SYMTYPE, "a/b/../../evil"), b"")],
    [(info("d", tarfile.SYMTYPE, "."), b""), (info("e", tarfile.SYMTYPE, "d/d/d/../../evil"), b"")],
    [(info("a", tarfile.SYMTYPE, ""), b"")],
    [(info("a", tarfile.SYMTYPE, "x" * 2000), b"")],
    [(info("hard", tarfile.LNKTYPE, "/etc/passwd"), b"")],
    [(info("hard", tarfile.LNKTYPE, "../../../etc/passwd"), b"")],
    [(info("hard", tarfile.LNKTYPE, "later"), b""), ("later", b"x")],
    [(info("out", tarfile.SYMTYPE, "/etc"), b""), (info("hard", tarfile.LNKTYPE, "out/passwd"), b"")],
    [(info("s", tarfile.SYMTYPE, "bin/testd"), b""), ("s", b"overwrites through the link")],
    [("s", b"file"), (info("s", tarfile.SYMTYPE, "bin/testd"), b"")],
]


@pytest.mark.parametrize("members", LINKS)
def test_tar_links_that_lead_outside_to_nothing_or_in_circles(home, members):
    assert TARGETS.search(reason(home, tar(GOOD, *members)))


def test_the_daemon_itself_as_a_link_outside(home):
    for data in (
        tar((info("bin/testd", tarfile.SYMTYPE, "/bin/sh"), b"")),
        zipped(zip_link("bin/testd", "/bin/sh")),
    ):
        assert "link that leads outside: 'bin/testd' to '/bin/sh'" in reason(home, data)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "nothing", "x" * 2000, "link"])
def test_zip_links_that_lead_outside(home, target):
    assert TARGETS.search(reason(home, zipped(GOOD, zip_link("link", target))))


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z", b"V", b"M"])
def test_devices_pipes_and_unknown_kinds_in_tar(home, kind):
    assert DEVICES.search(reason(home, tar(GOOD, (info("x", kind), b""))))


@pytest.mark.parametrize("mode", [0o020666, 0o060666, 0o010666, 0o140666])
def test_devices_pipes_and_sockets_in_zip(home, mode):
    assert DEVICES.search(reason(home, zipped(GOOD, zip_mode("x", mode))))


@pytest.mark.parametrize(
    "names",
    [
        ["x", "x"], ["x", "X"], ["dir/x", "DIR/y"], ["bin/testd", "bin/TESTD"], ["stra\u00dfe", "STRASSE"],
        ["caf\u00e9", "cafe\u0301"], ["x", "x/y"], ["x/y", "x"], ["./x", "x"], ["x//y", "x/y"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [tar, zipped])
def test_names_twice_or_differing_in_case_only(home, names, make):
    members = [(name, PROGRAM) for name in names]
    if "bin/testd" not in names:
        members.insert(0, GOOD)
    assert TWICE.search(reason(home, make(*members)))


def test_setuid_and_world_writable_modes_are_not_taken_from_an_archive(home):
    home.stage(
        home.info(
            home.serve(
                tar(
                    (info("bin/testd", mode=0o6777), PROGRAM),
                    (info("x", mode=0o7777), b"x"),
                    (info("y", mode=0o000), b"y"),
                )
            )
        )
    )
    folder = os.path.dirname(os.path.dirname(home.path()))
    assert [os.stat(f"{folder}/{name}").st_mode & 0o7777 for name in ("bin/testd", "x", "y")] == [
        0o755,
        0o755,
        0o644,
    ]
    assert os.stat(home.path()).st_uid == os.geteuid()


def _sparse_old() -> bytes:
    found = info("bin/testd", tarfile.GNUTYPE_SPARSE)
    return tar((found, b""), mode="w")


@pytest.mark.parametrize(
    "data",
    [
        _sparse_old(),
        tar(
            (
                info(
                    "bin/testd",
                    GNU__sparse__major="1",
                    GNU__sparse__minor="0",
                    GNU__sparse__name="x",
                    GNU__sparse__realsize="9",
                ),
                PROGRAM,
            )
        ),
        tar(
            (
                info(
                    "bin/testd",
                    GNU__sparse__size="99999999999",
                    GNU__sparse__numblocks="1",
                    GNU__sparse__map="0,1",
                ),
                PROGRAM,
            )
        ),
        tar((info("bin/testd", GNU__sparse__map="x" * 100, GNU__sparse__size="1"), PROGRAM)),
    ],
    ids=range(4),
)
def test_sparse_files(home, data):
    assert DAMAGE.search(reason(home, data))


@pytest.mark.parametrize("size", ["-1", "99999999999999999999", "x", "1e9", "0x10", ""])
def test_pax_sizes_that_lie(home, size):
    assert DAMAGE.search(reason(home, tar((info("bin/testd", size=size), PROGRAM), ("x", b"y"))))


@pytest.mark.parametrize("path", ["../evil", "/evil", "a\\b", "x" * 5000])
def test_pax_names_that_lead_outside(home, path):
    assert PAX.search(reason(home, tar(GOOD, (info("harmless", path=path), b"x"))))


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
)
def test_a_header_before_a_header_of_a_gigabyte(home, kind):
    found = info("x", kind)
    found.size = 1 << 30
    data = tar(GOOD, mode="w")[:-10240] + found.tobuf(tarfile.GNU_FORMAT) + bytes(4096)
    assert "a header of 1073741824 bytes" in reason(home, gzip.compress(data))


def test_a_size_in_the_header_that_is_negative_or_beyond_everything(home):
    for size in (b"\xff" * 12, b"\x80" + b"\xff" * 11):
        data = bytearray(tar(GOOD, ("x", b"y"), mode="w"))
        data[124:136] = size
        header = data[:148] + b" " * 8 + data[156:512]
        data[148:156] = b"%06o\0 " % sum(header)
        assert DAMAGE.search(reason(home, bytes(data)))


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_bombs_by_ratio_in_single_streams(home, kind):
    zeros = bytes(6 << 20)
    data = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard.compress}[kind](
        zeros
    )
    assert "times its size" in home.refused(home.info(home.serve(data))).cause


def test_a_bomb_inside_a_tar_and_inside_a_zip(home):
    zeros = bytes(6 << 20)
    assert "times its size" in home.refused(home.info(home.serve(tar(GOOD, ("big", zeros))))).cause
    assert "times its size" in home.refused(home.info(home.serve(zipped(GOOD, ("big", zeros))))).cause


def test_a_bomb_of_a_thousand_concatenated_streams(home):
    one = gzip.compress(bytes(64 << 10))
    assert "times its size" in home.refused(home.info(home.serve(one * 100))).cause


def test_bombs_by_count_by_depth_and_by_size(home, tmp_path):
    bounds = Bounds(entries=100, size=1 << 20, free=1 << 30, depth=5)
    many = [(f"f{number}", b"") for number in range(101)]
    deep = [("/".join(["d"] * 7), b"")]
    large = [("big", os.urandom(1 << 10) * 1100)]
    for number, members in enumerate((many, deep, large)):
        for make in (tar, zipped):
            path = tmp_path / "home" / f"{number}{make.__name__}"
            path.write_bytes(make(*members))
            with pytest.raises(ArchiveError):
                unpack(str(path), str(path) + ".out", "testd", bounds=bounds)


def test_a_bomb_by_time(home, tmp_path):
    path = tmp_path / "home" / "slow"
    path.write_bytes(tar(*[(f"f{number}", b"x" * 5000) for number in range(200)]))
    with pytest.raises(ArchiveError, match="longer than"):
        unpack(str(path), str(path) + ".out", "testd", bounds=Bounds(seconds=0.0))


def test_an_xz_or_zstd_window_of_gigabytes(home):
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 512 << 20, "preset": 0}]
    huge = lzma.LZMACompressor(format=lzma.FORMAT_XZ, filters=filters, check=lzma.CHECK_NONE)
    try:
        data = huge.compress(PROGRAM) + huge.flush()
    except MemoryError:
        pytest.skip("this machine cannot make one")
    assert "memory" in home.refused(home.info(home.serve(data))).cause
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    assert "memory" in reason(home, stream.compress(PROGRAM) + stream.flush(), "/z")


@pytest.mark.parametrize("name", ["gz", "bz2", "xz", "zst", "tar", "tar.gz", "zip"])
def test_archives_cut_short_at_every_block(home, tmp_path_factory, name):
    compress = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard.compress}
    members = (("bin/testd", PROGRAM + os.urandom(3000)), ("LICENSE", b"l" * 700))
    whole = {"tar": tar(*members, mode="w"), "tar.gz": tar(*members), "zip": zipped(*members)}
    data = whole[name] if name in whole else compress[name](members[0][1])
    end = 512 * 17 if name == "tar" else len(data)
    path = tmp_path_factory.mktemp("cuts") / "cut"
    for cut in range(
        576 if name == "tar" else 64, end - 1, 512 if name == "tar" else max(1, len(data) // 40)
    ):
        path.write_bytes(data[:cut])
        with pytest.raises(ArchiveError):
            unpack(str(path), f"{path}.{cut}", "testd")
    assert re.search("cut short|ends early", reason(home, data[: len(data) // 2]))


def test_a_tar_cut_exactly_between_two_entries_or_before_its_end_mark(home):
    data = tar(GOOD, ("x", b"y"), mode="w")
    first = 512 + -(-len(PROGRAM) // 512) * 512
    for cut in (first, first + 512, first + 1024):
        assert "cut short" in home.refused(home.info(home.serve(data[:cut]))).cause


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize("tail", [b"#!/bin/sh\nevil", b"\0\0\0\0evil", PROGRAM])
def test_something_behind_the_end_of_a_stream(home, kind, tail):
    compress = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard.compress}[
        kind
    ]
    assert "behind the end" in home.refused(home.info(home.serve(compress(PROGRAM) + tail))).cause


def test_a_wrong_checksum_inside_the_archive(home):
    data = bytearray(gzip.compress(PROGRAM))
    data[-6] ^= 0xFF
    assert "stream is damaged" in reason(home, bytes(data))
    archive = bytearray(zipped(GOOD))
    archive[archive.index(b"bin/testd") + len("bin/testd") + 5] ^= 0xFF
    assert "zip archive is damaged" in reason(home, bytes(archive), "/zip")
    header = bytearray(tar(GOOD, mode="w"))
    header[0] ^= 1
    assert "neither an ELF program nor a script" in reason(home, bytes(header), "/tar")


def test_a_zip_with_two_tables_of_contents(home):
    evil, good = zipped(("bin/testd", b"evil")), zipped(GOOD)
    assert "before or after its table of contents" in reason(home, evil + good)
    assert "something behind it" in reason(home, good + b"junk behind", "/b")
    hidden = io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr("bin/testd", PROGRAM)
        archive.comment = b"x" * 40 + evil[evil.index(b"PK\x05\x06") :]
    assert "two tables" in home.refused(home.info(home.serve(hidden.getvalue(), "/c"))).cause


def test_a_zip_whose_local_names_are_others_than_its_table_says(home):
    data = zipped(GOOD)
    place = data.index(b"bin/testd")
    assert "differ" in reason(home, data[:place] + b"bin/evild" + data[place + 9 :])


def test_a_zip_with_files_inside_each_other(home):
    data = bytearray(zipped(GOOD, ("other", PROGRAM)))
    table = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", table + 4)
    struct.pack_into("<L", data, second + 42, 0)
    assert "files inside each other: 'other'" in reason(home, bytes(data))


def test_a_zip_that_lies_about_counts_sizes_and_parts(home):
    data = zipped(GOOD)
    end = data.index(b"PK\x05\x06")
    for offset, form, number in ((4, "<H", 1), (8, "<H", 7), (10, "<H", 7), (10, "<H", 0xFFFF), (12, "<L", 0xFFFFFFFF),
                                 (12, "<L", 1), (16, "<L", 3), (20, "<H", 9)):  # fmt: skip
        changed = bytearray(data)
        struct.pack_into(form, changed, end + offset, number)
        assert LIES.search(reason(home, bytes(changed), f"/{offset}-{number}"))


def test_a_zip_that_is_encrypted_or_packed_in_an_unknown_way(home):
    data = zipped(GOOD)
    table = data.index(b"PK\x01\x02")
    for words, changes in (
        ("encrypted", {6: 1, table + 8: 1}),
        ("not supported", {8: 99, table + 10: 99}),
        ("not supported", {8: 14, table + 10: 14}),
    ):
        changed = bytearray(data)
        for place, item in changes.items():
            struct.pack_into("<H", changed, place, item)
        assert words in reason(home, bytes(changed), f"/{item}")


def test_an_archive_without_the_daemon_or_with_two_of_them(home):
    assert "no program" in home.refused(home.info(home.serve(tar(("LICENSE", b"l"), ("README", b"r"))))).cause
    two = tar(("a/testd", PROGRAM), ("b/testd", PROGRAM))
    assert "2 programs" in home.refused(home.info(home.serve(two, "/two"))).cause
    only_folder = tar((info("bin", tarfile.DIRTYPE), b""))
    assert "no file" in home.refused(home.info(home.serve(only_folder, "/folder"))).cause
    assert "begins with zero bytes" in reason(home, tar(), "/nothing")


def test_a_licence_of_the_daemons_name_is_not_taken_for_a_program(home):
    found = home.refused(home.info(home.serve(tar(("LICENSE", b"l"), ("testd", b"Apache License 2.0")))))
    assert "neither an ELF program nor a script" in found.cause


@pytest.mark.parametrize("folder", ["..", "a/../../b", "nothing", "%2e%2e"])
def test_a_folder_inside_the_archive_that_is_none(home, folder):
    url = home.serve(tar(GOOD), "/a.tar.gz").replace("a.tar.gz?", f"a.tar.gz//{folder}?")
    assert re.search(
        "names the folder .* inside its archive|has no folder", home.refused(home.info(url)).cause
    )


def test_a_package_or_a_nested_archive_is_not_a_program(home):
    for data in (
        b"!<arch>\ndebian-binary   ",
        tar(("inner.tar.gz", tar(GOOD))),
        gzip.compress(gzip.compress(PROGRAM)),
    ):
        assert "cannot run here" in reason(home, data, f"/{sha256(data)[:8]}")
