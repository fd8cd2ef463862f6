"""Measures what each run-time dependency weighs: its files, what it brings along, its time of import."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import tomllib
from importlib import metadata

MODULES = {
    "protobuf": "google.protobuf.descriptor_pb2",
    "pyelftools": "elftools.elf.elffile",
    "py-minisign": "minisign",
    "grpcio": "grpc",
    "rich": "rich.console",
}
RUNS = 7


def main() -> int:
    """Print one line for each dependency of `pyproject.toml`."""
    with open("pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    wanted = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    bare = _seconds("")
    print(f"{'name':20} {'version':10} {'own MiB':>8} {'with its own':>13} {'import ms':>10}")
    for line in wanted:
        name = _name(line)
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            print(f"{name:20} not installed")
            continue
        module = MODULES.get(name, name.replace("-", "_"))
        took = (_seconds(f"import {module}") - bare) * 1000
        whole = sum(_size(one) for one in _closure(name))
        print(f"{name:20} {version:10} {_size(name):8.1f} {whole:13.1f} {took:10.0f}")
    return 0


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match
    return match[0].lower()


def _closure(name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        try:
            needs = metadata.requires(one) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(one)
        waiting += [_name(line) for line in needs if "extra ==" not in line]
    return found


def _size(name: str) -> float:
    files = metadata.files(name) or []
    return sum(file.size or 0 for file in files) / (1 << 20)


def _seconds(statement: str) -> float:
    """Return the shortest of several runs of the interpreter with one statement."""
    text = f"import time; began = time.perf_counter()\n{statement}\nprint(time.perf_counter() - began)"
    line = [sys.executable, "-I", "-c", text]
    return min(
        float(subprocess.run(line, capture_output=True, text=True, check=True).stdout) for _ in range(RUNS)
    )


if __name__ == "__main__":
    sys.exit(main())
