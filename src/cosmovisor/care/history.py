"""`history`: every switch that this home has made, the oldest from `history.jsonl`."""

from __future__ import annotations

from cosmovisor.config.layout import Layout
from cosmovisor.model.state import EMPTY, Applied
from cosmovisor.storage import codec, document, light_json

#: Bytes of the file of older lines that are read; it grows by some hundred bytes an upgrade.
_LARGEST = 16 << 20


def read(layout: Layout) -> list[Applied]:
    """Return the switches, oldest first; lines that cannot be read are left out.

    Raises:
        StateError: The state document cannot be used.
    """
    state = document.read(layout.state_file) or EMPTY
    older = _older(layout.history_file)
    return [line for line in older if line not in state.history] + list(state.history)


def _older(path: str) -> list[Applied]:
    try:
        with open(path, "rb") as file:
            lines = file.read(_LARGEST).splitlines()
    except OSError:
        return []
    found: list[Applied] = []
    for line in lines:
        try:
            found.append(codec.decode(Applied, light_json.loads(line)))
        except ValueError:
            # The last line can be torn by a cut; the document still has it then.
            continue
    return found
