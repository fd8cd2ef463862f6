"""Generate `chain/messages/*_pb2.py` from the `.proto` beside them: `python tools/generate_messages.py`.

The generator is pinned to the oldest that we support at run time (code of a newer one would refuse an older
protobuf library) and is installed into a folder that is removed afterwards; nobody needs it otherwise.
With `--check` nothing is written, and the exit status tells whether the committed code is up to date.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
import venv

GENERATOR = "grpcio-tools==1.71.2"
ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
MESSAGES = SOURCE / "cosmovisor" / "chain" / "messages"


def main() -> int:
    """Generate, or compare."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", GENERATOR, "setuptools<81"], check=True)
        target = folder / "out"
        target.mkdir()
        sources = sorted(str(path.relative_to(SOURCE)) for path in MESSAGES.glob("*.proto"))
        options = [f"--proto_path={SOURCE}", f"--python_out={target}", f"--pyi_out={target}"]
        subprocess.run([python, "-m", "grpc_tools.protoc", *options, *sources], check=True)
        different = 0
        for path in sorted(target.rglob("*_pb2.py*")):
            committed = SOURCE / path.relative_to(target)
            if not committed.exists() or committed.read_bytes() != path.read_bytes():
                different += 1
                print(f"{'differs' if '--check' in sys.argv else 'written'}: {committed.relative_to(ROOT)}")
                if "--check" not in sys.argv:
                    committed.write_bytes(path.read_bytes())
    return 1 if different and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
