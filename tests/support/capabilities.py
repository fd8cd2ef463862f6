"""What a machine may lack, by name; each check says why in words."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def _linux() -> str:
    return "" if sys.platform == "linux" else "not Linux"


def _root() -> str:
    return "" if os.geteuid() == 0 else "not root"


def _tmux() -> str:
    return "" if shutil.which("tmux") else "tmux is not installed"


def _pid_namespaces() -> str:
    if not shutil.which("unshare"):
        return "unshare is not installed"
    tried = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "true"]
    done = subprocess.run(tried, capture_output=True, timeout=60, check=False)
    return "" if done.returncode == 0 else "a pid namespace cannot be made"


def _namespaces() -> str:
    flags = ["--mount", "--net", "--pid", "--fork"]
    for extra in ([], ["--user", "--map-root-user"]):
        tried = ["unshare", *flags, *extra, "true"]
        try:
            done = subprocess.run(tried, capture_output=True, timeout=60, check=False)
        except OSError:
            return "unshare is not installed"
        if done.returncode == 0:
            return ""
    return "namespaces cannot be made"


def _read_only_root() -> str:
    if not shutil.which("unshare"):
        return "unshare is not installed"
    with tempfile.TemporaryDirectory() as folder:
        tried = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--mount-proc",
            "sh",
            "-ec",
        ]
        script = 'mount --bind "$0" "$0"; mount -o remount,bind,ro /; touch "$0/x"; ! touch "$0.outside"'
        done = subprocess.run([*tried, script, folder], capture_output=True, timeout=60, check=False)
    return "" if done.returncode == 0 else "the root file system cannot be made read-only in a namespace"


def _cc() -> str:
    return "" if shutil.which("cc") else "no C compiler"


def _mounts() -> str:
    from tests.support import disks

    if sys.platform != "linux":
        return "not Linux"
    reason = disks.missing("ext4")
    if reason:
        return reason
    # A container may have the devices and still not the right to mount.
    try:
        with tempfile.TemporaryDirectory() as folder:
            disk = disks.Disk(Path(folder), "ext4")
            disks.apart(lambda: disk.record(lambda _root: None, lambda _root, _returned: None))
    except (OSError, subprocess.SubprocessError, AssertionError) as error:
        return str(error) or "mounting fails"
    return ""


CHECKS = {
    "mounts": _mounts,
    "linux": _linux,
    "root": _root,
    "tmux": _tmux,
    "pid namespaces": _pid_namespaces,
    "namespaces": _namespaces,
    "read-only root": _read_only_root,
    "cc": _cc,
}


@functools.cache
def missing(capability: str) -> str:
    """Return why a capability is missing, or an empty text."""
    return CHECKS[capability]()
