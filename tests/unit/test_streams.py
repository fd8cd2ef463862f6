"""A closed standard stream never becomes one of our files."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOK = (
    "import os, sys; from cosmovisor import streams; streams.open_closed(); "
    "made = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY); "
    "os.write(made, str(made).encode()); "
    "os.write(made, b' ' + b' '.join(str(int(os.get_inheritable(n))).encode() for n in range(3)))"
)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_file_opened_later_is_never_a_standard_stream(tmp_path, closed):
    found = tmp_path / "found"
    subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" "$2" {closed}', sys.executable, LOOK, str(found)],
        check=True,
        timeout=60,
    )
    number, *inherited = found.read_text().split()
    assert int(number) > 2
    assert inherited == ["1", "1", "1"]


def test_open_streams_stay_what_they_are(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "from cosmovisor import streams; streams.open_closed(); print(input())"],
        input="said\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "said\n"
