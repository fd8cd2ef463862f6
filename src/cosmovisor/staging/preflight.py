"""The checks that need no execution: would exec or the loader refuse this file?

Only facts that prove a failure block (`blocking`); whatever is merely suspicious warns. Nothing is run here.
"""

from __future__ import annotations

import os
import shutil
import stat

from cosmovisor.model.receipts import Proof
from cosmovisor.staging import elf, loader, platforms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LONGEST_SHEBANG = 256
_FOREIGN = (
    (b"MZ", "a program for Windows"),
    (b"\xcf\xfa\xed\xfe", "a program for macOS"),
    (b"\xca\xfe\xba\xbe", "a program for macOS"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"!<arch>\n", "a Debian package or a static library"),
    (b"<!DOCTYPE", "a web page"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
)
_PLACE = "Put the new binary itself there."


def examine(
    path: str,
    library_folders: Sequence[str],
    environ: Mapping[str, str],
    platform: platforms.Platform | None = None,
) -> list[Proof]:
    """Look at a file as exec and the loader will.

    Args:
        path: The executable.
        library_folders: `LD_LIBRARY_PATH` of the node, the version's `lib/` first.
        environ: The node's environment, for `PATH` in `#!/usr/bin/env` lines.
        platform: What it must run on; this machine unless told.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        return [Proof("file", "blocking", f"cannot look at {path}: {error.strerror}", _PLACE)]
    if not stat.S_ISREG(status.st_mode):
        return [Proof("file", "blocking", f"{path} is not a regular file", _PLACE)]
    if status.st_size == 0:
        return [Proof("file", "blocking", f"{path} is empty (0 bytes)", _PLACE)]
    proofs = []
    if not status.st_mode & 0o111:
        proofs.append(Proof("mode", "blocking", f"{path} is not executable", f"chmod a+x {path}"))
    try:
        if os.statvfs(path).f_flag & os.ST_NOEXEC:
            proofs.append(
                Proof(
                    "mount",
                    "blocking",
                    f"{path} lies on a file system mounted with noexec",
                    "Mount it with exec, or move DAEMON_HOME/cosmovisor to another file system.",
                )
            )
    except OSError:
        pass
    if os.path.islink(path):
        proofs.append(
            Proof(
                "link",
                "warning",
                f"it is a link: whoever changes {os.path.realpath(path)} changes this version",
                "Put a copy there instead of a link.",
            )
        )
    proofs += _owner(path, status)
    proofs += _format(path, library_folders, environ, platform or platforms.this_platform())
    return proofs


def _owner(path: str, status: os.stat_result) -> list[Proof]:
    """Whoever else can write the file can run what he likes as the node's user."""
    proofs = []
    if status.st_mode & 0o022:
        text = f"{path} can be written by others (mode {stat.S_IMODE(status.st_mode):o})"
        proofs.append(Proof("owner", "warning", text, f"chmod go-w {path}"))
    if status.st_uid not in {0, os.geteuid()}:
        text = f"{path} belongs to user {status.st_uid}, not to the user of this process"
        proofs.append(Proof("owner", "warning", text, f"chown {os.geteuid()} {path}"))
    return proofs


def _format(
    path: str, folders: Sequence[str], environ: Mapping[str, str], platform: platforms.Platform
) -> list[Proof]:
    try:
        with open(path, "rb") as file:
            head = file.read(_LONGEST_SHEBANG)
    except OSError as error:
        return [
            Proof("read", "blocking", f"cannot read {path}: {error.strerror}", "Check its owner and mode.")
        ]
    if head.startswith(elf.MAGIC):
        return _elf(path, folders, platform)
    if head.startswith(b"#!"):
        return [_script(head, environ)]
    if platform.system == "darwin" and head[:4] in {b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"}:
        return [Proof("format", "ok", "it is a program for macOS")]
    for magic, words in _FOREIGN:
        if head.startswith(magic):
            return [
                Proof("format", "blocking", f"{path} is {words}, not a program for {platform.key}", _PLACE)
            ]
    if not head.strip(b"\0"):
        text = f"{path} begins with zero bytes: it was never written to its end"
        return [Proof("truncated", "blocking", text, "Copy it again.")]
    return [Proof("format", "blocking", f"{path} is neither an ELF program nor a script", _PLACE)]


def _elf(path: str, folders: Sequence[str], platform: platforms.Platform) -> list[Proof]:
    try:
        program = elf.parse(path)
    except elf.TruncatedError as error:
        return [Proof("truncated", "blocking", f"{path} is cut short: {error}", "Copy or fetch it again.")]
    except elf.ElfError as error:
        return [Proof("elf", "blocking", f"{path} cannot be loaded: {error}", _PLACE)]
    if platform.system != "linux" or not program.executable or not program.end:
        what = "not an ELF system" if platform.system != "linux" else "not an executable ELF file"
        return [Proof("elf", "blocking", f"{path} cannot be loaded: {what}", _PLACE)]
    if program.machine != platform.machine:
        if (platform.machine, program.machine) == ("amd64", "i386"):
            text = "it is a 32-bit program; it runs only where the kernel has 32-bit support"
            return [Proof("elf-machine", "warning", text, "Use the linux/amd64 build.")]
        return [
            Proof(
                "elf-machine",
                "blocking",
                f"{path} is built for {program.machine}, this machine is {platform.machine}",
                f"Use the build for {platform.key}.",
            )
        ]
    proofs = [Proof("elf-machine", "ok", f"it is built for {platform.key}")]
    if program.interpreter:
        if not os.path.exists(program.interpreter):
            hint = "musl" if "musl" in program.interpreter else "glibc"
            proofs.append(
                Proof(
                    "interpreter",
                    "blocking",
                    f"its loader {program.interpreter} is missing on this machine",
                    f"Install {hint}, or use a static build.",
                )
            )
            return proofs
        proofs.append(Proof("interpreter", "ok", f"its loader is {program.interpreter}"))
    try:
        proofs += loader.check(path, program, folders)
    except (OSError, elf.ElfError) as error:
        proofs.append(Proof("libraries", "warning", f"its libraries could not be checked: {error}", ""))
    return proofs


def _script(head: bytes, environ: Mapping[str, str]) -> Proof:
    line = head.split(b"\n", 1)[0][2:].strip(b" \t")
    words = [os.fsdecode(word) for word in line.split(None, 1)]
    if not words:
        return Proof("script", "blocking", "its first line names no interpreter", "Correct its first line.")
    interpreter = words[0].rstrip("\r")
    if line.endswith(b"\r") and words:
        text = "its first line ends with a carriage return, so that its interpreter is not found"
        return Proof("script", "blocking", text, "Give it Unix line ends (dos2unix).")
    if not os.path.isfile(interpreter) or not os.access(interpreter, os.X_OK):
        return Proof(
            "script", "blocking", f"its interpreter {interpreter} is missing", f"Install {interpreter}."
        )
    if os.path.basename(interpreter) == "env" and len(words) > 1:
        rest = [word for word in words[1].split() if not word.startswith("-") and "=" not in word]
        if rest and not shutil.which(rest[0], path=environ.get("PATH", os.defpath)):
            return Proof(
                "script",
                "blocking",
                f"its interpreter {rest[0]} is not in PATH",
                f"Install {rest[0]}, or put its folder into PATH of the service.",
            )
    return Proof("script", "ok", f"it is a script for {words[0]}; what it needs when it runs is not known")
