"""The operator's script of `COSMOVISOR_CUSTOM_PREUPGRADE`: would it be started on the night?

It acts on his real machine, so it is not run unless he asks for that; then it runs in the stand-in.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.rehearsal.check import Check, failed, ok
from cosmovisor.staging import preflight

_SUBJECT = "script"
_FIRST_LINE = "Give it a first line that names its interpreter, such as #!/bin/sh."


def examine(settings: Settings, layout: Layout, environ: Mapping[str, str], *, played: bool) -> list[Check]:
    """Tell whether the script could be started; nothing where none is set.

    Args:
        settings: The operator's settings.
        layout: His folder tree.
        environ: The environment of the night, for its `PATH`.
        played: It runs in the stand-in, which then says what it does.
    """
    name = settings.cosmovisor_custom_preupgrade
    if not name:
        return []
    path = os.path.join(layout.root, name)
    fix = f"Correct COSMOVISOR_CUSTOM_PREUPGRADE or put the script to {path}."
    try:
        status = os.stat(path)
    except OSError as error:
        return [failed(_SUBJECT, f"cannot use {path}: {error.strerror}", fix)]
    if not stat.S_ISREG(status.st_mode):
        return [failed(_SUBJECT, f"{path} is not a regular file", fix)]
    proofs = preflight.examine(path, (), environ)
    # Its execute bit is added on the night, as the Go tool does.
    found = [
        failed(_SUBJECT, f"{path}: {proof.text}", _FIRST_LINE if proof.name == "format" else proof.fix)
        for proof in proofs
        if proof.outcome == "blocking" and proof.name != "mode"
    ]
    if found:
        return found
    how = "it runs in the stand-in" if played else "--script runs it in the stand-in, on a scratch home"
    return [ok(_SUBJECT, f"{path} is there and can be started; {how}")]
