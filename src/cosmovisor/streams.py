"""Standard streams that are closed would be handed out again: the next file that opens would become them."""

from __future__ import annotations

import os


def open_closed() -> None:
    """Open `/dev/null` in the place of each closed standard stream, so that no lock or log becomes one.

    The node inherits the streams; a state file under its number 2 would be written to by its panics.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given out, which is this one: the lower ones are open by now.
            os.set_inheritable(os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY), True)
