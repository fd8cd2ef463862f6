"""Builds executables of public Go modules and keeps them in a cache outside the repository.

Each is an ordinary module of its own: a `go.mod` that requires the wanted module at its version and repeats
its `replace` lines (Go reads those of the main module only), and a file that imports the wanted `main`
package. The cache key holds the recipe and the Go version, so that a changed recipe is built again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

# A release of sonic that runs with current Go; older ones print a warning at every start.
SONIC = "github.com/bytedance/sonic@v1.15.0"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How one executable is built.

    Attributes:
        name: File name of the executable.
        module: The Go module that holds it.
        version: Version of the module, with its `v`.
        package: Path of the `main` package inside the module.
        tags: Build tags, separated by commas.
        ldflags: Linker flags.
        libraries: Module and path of shared libraries that the executable needs beside it.
        patches: Old and new texts for a copy of the `main` package; empty to build it as published.
    """

    name: str
    module: str
    version: str
    package: str
    tags: str = ""
    ldflags: str = "-checklinkname=0"
    libraries: tuple[tuple[str, str], ...] = ()
    patches: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class Built:
    """A finished executable: `folder/bin/<name>`, its libraries in `folder/lib`."""

    recipe: Recipe
    folder: str

    @property
    def path(self) -> str:
        """Path of the executable."""
        return os.path.join(self.folder, "bin", self.recipe.name)

    @property
    def lib(self) -> str:
        """Folder of the shared libraries; exists only where the recipe names some."""
        return os.path.join(self.folder, "lib")


def cache_folder() -> str:
    """Return the cache: `COSMOVISOR_BUILD_CACHE`, or a folder below the user's cache folder."""
    given = os.environ.get("COSMOVISOR_BUILD_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.abspath(given or os.path.join(base, "cosmovisor-real-chain"))


def go_version() -> str:
    """Return the version of the Go tool chain, or leave with a hint where there is none."""
    if not shutil.which("go"):
        sys.exit(
            "this target builds Go programs: install Go 1.23 or newer and a C compiler, then run it again"
        )
    return subprocess.run(
        ["go", "env", "GOVERSION"], capture_output=True, text=True, check=True
    ).stdout.strip()


def build(recipe: Recipe) -> Built:
    """Return the executable of a recipe, from the cache or newly built."""
    go = go_version()
    key = hashlib.sha256(json.dumps([dataclasses.astuple(recipe), go]).encode()).hexdigest()[:12]
    final = os.path.join(cache_folder(), f"{recipe.name}-{recipe.version}-{go}-{key}")
    built = Built(recipe, final)
    os.makedirs(cache_folder(), exist_ok=True)
    with _locked(f"{final}.lock"):
        if not os.path.exists(built.path):
            print(
                f"building {recipe.name} {recipe.version} with {go}: minutes the first time ...", flush=True
            )
            _build(recipe, final)
    return built


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(recipe: Recipe, final: str) -> None:
    partial = tempfile.mkdtemp(prefix="partial-", dir=cache_folder())
    try:
        source = os.path.join(partial, "source")
        os.makedirs(source)
        _go(source, "mod", "download", f"{recipe.module}@{recipe.version}", mod_file=False)
        published = _module_file(recipe)
        go_line = re.search(r"^go .*$", published, re.MULTILINE)
        replaces = re.findall(r"^replace \(.*?^\)|^replace [^(\n].*$", published, re.MULTILINE | re.DOTALL)
        lines = [
            "module example/executable",
            go_line[0] if go_line else "go 1.23",
            f"require {recipe.module} {recipe.version}",
            *replaces,
        ]
        _write(os.path.join(source, "go.mod"), "\n".join(lines) + "\n")
        _write(
            os.path.join(source, "tools.go"),
            f'//go:build tools\n\npackage tools\n\nimport _ "{recipe.module}/{recipe.package}"\n',
        )
        _go(source, "get", SONIC)
        target = f"{recipe.module}/{recipe.package}"
        if recipe.patches:
            _patched_copy(recipe, source)
            target = "./patched"
        words = ["build", "-trimpath", "-ldflags", recipe.ldflags]
        words += ["-tags", recipe.tags] if recipe.tags else []
        _go(source, *words, "-o", os.path.join(partial, "bin", recipe.name), target)
        for module, file in recipe.libraries:
            where = _go(source, "list", "-m", "-f", "{{.Dir}}", module)
            os.makedirs(os.path.join(partial, "lib"), exist_ok=True)
            library = os.path.join(partial, "lib", os.path.basename(file))
            shutil.copyfile(os.path.join(where, file), library)
            os.chmod(library, 0o755)
        shutil.rmtree(source)
        os.chmod(partial, 0o755)
        os.rename(partial, final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _module_file(recipe: Recipe) -> str:
    cache = subprocess.run(
        ["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True
    ).stdout.strip()
    escaped = re.sub("[A-Z]", lambda match: "!" + match[0].lower(), recipe.module)
    with open(os.path.join(cache, "cache/download", escaped, "@v", f"{recipe.version}.mod")) as file:
        return file.read()


def _patched_copy(recipe: Recipe, source: str) -> None:
    """Copy the `main` package into the own module and change texts that must each occur exactly once."""
    where = _go(source, "list", "-m", "-f", "{{.Dir}}", recipe.module)
    folder = os.path.join(source, "patched")
    shutil.copytree(os.path.join(where, recipe.package), folder, copy_function=shutil.copyfile)
    os.chmod(folder, 0o755)
    texts = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as file:
            texts[name] = file.read()
    for old, new in recipe.patches:
        holders = [name for name, text in texts.items() if text.count(old) == 1]
        if len(holders) != 1:
            sys.exit(f"cannot patch {recipe.module} {recipe.version}: {old!r} occurs in {len(holders)} files")
        texts[holders[0]] = texts[holders[0]].replace(old, new)
    for name, text in texts.items():
        _write(os.path.join(folder, name), text)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _go(folder: str, *words: str, mod_file: bool = True) -> str:
    environ = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "1"}
    if mod_file:
        environ["GOFLAGS"] = "-mod=mod"
    done = subprocess.run(
        ["go", *words], cwd=folder, env=environ, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"cannot build: 'go {' '.join(words)}' ended with {done.returncode}")
    return done.stdout.strip()
