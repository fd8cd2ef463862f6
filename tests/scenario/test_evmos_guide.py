"""The path of the original guide for Evmos operators, word for word, on a node far above height 0."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

from tests.support.world import World

from cosmovisor.demo import binary


def test_the_guide_of_evmos_works_word_for_word(tmp_path):
    world = World(tmp_path, prog="evmosd", initial_height=257_850)
    home = tmp_path / "user" / ".evmosd"
    world.home = world.node_home = home
    try:
        play(world)
    finally:
        world.close()


def play(world: World) -> None:
    # A node that has long been running without cosmovisor: binary in the PATH, data in ~/.evmosd.
    gopath = world.root / "go" / "bin"
    binary.write(str(gopath / "evmosd"), world.version("v2.0.0", handlers=()))
    world.init()
    node = world.node_alone(gopath / "evmosd")
    world.until_height(257_860)
    node.terminate()
    assert node.wait(30) == 0

    # "Set up the Cosmovisor environment variables. We recommend setting these in your .profile".
    profile = world.root / "user" / ".profile"
    profile.write_text(
        "# Setup Cosmovisor\nexport DAEMON_NAME=evmosd\nexport DAEMON_HOME=$HOME/.evmosd\nsource_check=1\n"
    )
    tool = world.root / "tool" / "cosmovisor"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m cosmovisor "$@"\n')
    tool.chmod(0o755)

    def shell(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", f". ~/.profile\n{line}"],
            env={"HOME": str(world.root / "user"), "PATH": f"{tool.parent}:{gopath}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    # "Cosmovisor setup": the folders by hand, the binary that runs now as genesis.
    done = shell(
        "mkdir -p ~/.evmosd/cosmovisor/genesis/bin\n"
        "mkdir -p ~/.evmosd/cosmovisor/upgrades\n"
        f"cp {gopath}/evmosd ~/.evmosd/cosmovisor/genesis/bin\n"
        "cosmovisor run version"
    )
    assert (done.returncode, done.stdout) == (0, "2.0.0\n"), done.stderr

    # "Download the Evmos release": the binary of the release under upgrades/v3.0.0/bin, with an upgrade-info.json.
    release = world.tree / "upgrades" / "v3.0.0"
    binary.write(str(release / "bin" / "evmosd"), world.version("v3.0.0", handlers=("v3.0.0",)))
    (release / "upgrade-info.json").write_text(
        json.dumps(
            {
                "binaries": {
                    "darwin/x86_64": "https://example.org/d.tar.gz",
                    "linux/amd64": "https://example.org/l.tar.gz",
                }
            }
        )
    )

    # "Configure your Cosmovisor service": plain service, legacy `cosmovisor start`, Restart=always.
    service = {
        "DAEMON_NAME": "evmosd",
        "DAEMON_HOME": str(world.home),
        "DAEMON_ALLOW_DOWNLOAD_BINARIES": "true",
        "DAEMON_RESTART_AFTER_UPGRADE": "true",
        "DAEMON_LOG_BUFFER_SIZE": "512",
        "UNSAFE_SKIP_BACKUP": "true",
    }
    cosmovisor = world.run("start", "--home", str(world.home), variables=service, first="")
    world.until_height(257_865)
    height = world.schedule("v3.0.0", blocks=10)
    world.until_blocks_of("v3.0.0")
    assert world.started()[-2:] == ["v2.0.0", "v3.0.0"]
    assert [entry["height"] for entry in world.notes("applied")] == [height]

    # `sudo systemctl restart evmosd`.
    assert cosmovisor.stop(signal.SIGTERM) == 0
    before = world.blocks_of("v3.0.0")
    world.run("start", "--home", str(world.home), variables=service, first="")
    world.until_blocks_of("v3.0.0", before + 2)
    assert shell("cosmovisor run version").stdout == "3.0.0\n"
    assert shutil.which("evmosd", path=str(gopath))
    world.verify()
