"""Row 31: it installs with Python alone, into an environment of its own, and has one version everywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from cosmovisor import __version__

pytestmark = pytest.mark.complaint(31)

ROOT = Path(__file__).parents[2]


def run(*words: object, **variables: str) -> str:
    """Run a program with a small environment: nothing is set up, and no registry can be asked."""
    plain = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
    done = subprocess.run(
        [str(word) for word in words], env=plain, capture_output=True, text=True, timeout=300, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The package as `pip install .` builds it, from a copy, so that nothing is left in the checkout."""
    place = tmp_path_factory.mktemp("installation")
    copy = place / "copy"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("src", "scripts"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=left_out)
    words = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", place / "dist", copy]
    run(sys.executable, "-m", "pip", *words, HOME=str(place), TMPDIR=str(place))
    (found,) = (place / "dist").glob("*.whl")
    return found


def test_the_package_holds_every_file_of_the_program_and_needs_no_compiler(wheel):
    assert wheel.name == f"cosmovisor-{__version__}-py3-none-any.whl"
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("cosmovisor/")}
    source = ROOT / "src"
    there = {
        str(path.relative_to(source))
        for path in (source / "cosmovisor").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there


def test_an_environment_of_its_own_has_the_command_and_one_version(wheel, tmp_path):
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "own")
    own = tmp_path / "own" / "bin"
    words = ["install", "--quiet", "--no-deps", wheel]
    run(sys.executable, "-m", "pip", "--python", own / "python", *words, HOME=str(tmp_path))
    # What it depends on is taken from here, since a test asks no registry.
    ours = {"PYTHONPATH": os.pathsep.join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})}
    where = run(own / "python", "-c", "import cosmovisor; print(cosmovisor.__file__)", **ours)
    assert where.startswith(str(tmp_path))
    assert run(own / "cosmovisor", "--version", **ours) == f"cosmovisor version: {__version__}\n"
    only = run(own / "cosmovisor", "version", "--cosmovisor-only", **ours)
    assert __version__ in only
    assert "add-upgrade" in run(own / "cosmovisor", "help", **ours)
