"""All binaries up front, in order, by the ordinary staging process; what is there already costs a `stat`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import StagingError
from cosmovisor.model.plan import GENESIS_VERSION, Plan
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.scout.staging_run import StagingRun, command
from cosmovisor.staging import ready
from cosmovisor.storage import durable
from cosmovisor.sync.plan import Step
from cosmovisor.sync.position import plan_of

#: Tries for one binary, and seconds between the first two (doubled each time).
TRIES, PAUSE = 5, 2.0
#: Name under which the first binary is fetched before it moves to its place.
_FIRST = "genesis-of-sync"


class Stage:
    """Stages steps for one home.

    Args:
        settings: The settings.
        layout: The folder tree.
        config_file: The file of `--cosmovisor-config`.
        environ: The environment.
        say: Told what is being done.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        settings: Settings,
        layout: Layout,
        config_file: str | None,
        environ: Mapping[str, str],
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._layout = layout
        self._config_file = config_file
        self._environ = environ
        self._say = say
        self._sleep = sleep

    def is_ready(self, step: Step) -> bool:
        """Tell whether the binary of a step is in place and proven."""
        return isinstance(ready.check(self._settings, self._layout, plan_of(step)), StagedBinary)

    def genesis(self, step: Step | None) -> None:
        """Put the first binary into place where there is none.

        Raises:
            StagingError: There is none, and none can be had.
        """
        target = self._layout.bin(GENESIS_VERSION)
        if os.path.isfile(target):
            return
        if step is None or not (step.info or step.path):
            raise StagingError(
                f"there is no first binary at {target}, and the plan names none",
                "Put it there with cosmovisor init PATH, or give the plan a [genesis].",
            )
        if step.path:
            self._command("init", step.path)
            return
        version = self._layout.version_for(_FIRST, self._settings.recase)
        self.one(Step(_FIRST, 0, step.info))
        folder = self._layout.folder(version)
        durable.remove_file(self._layout.proof(version))
        if os.path.isdir(self._layout.genesis):
            durable.remove_tree(self._layout.genesis)
        durable.move(folder, self._layout.genesis)

    def all(self, steps: Sequence[Step]) -> None:
        """Stage steps in their order; all of them are tried before anything is said to be wrong.

        Raises:
            StagingError: Some could not be staged; each is named with its reason.
        """
        problems = []
        for number, step in enumerate(steps, 1):
            if self.is_ready(step):
                continue
            self._say(f"binary {number} of {len(steps)}: {step.name}")
            try:
                self.one(step)
            except StagingError as error:
                problems.append(f"{step.name}: {error.cause}")
                self._say(f"{step.name}: {error.cause}")
        if problems:
            raise StagingError(
                f"{len(problems)} of {len(steps)} binaries are not ready: {'; '.join(problems[:8])}",
                "Correct the plan or put these binaries into place by hand, then run the same command again.",
            )

    def one(self, step: Step, name: str = "") -> None:
        """Stage one step.

        Args:
            step: The step.
            name: The chain's name of the plan, where that turns out to be another one.

        Raises:
            StagingError: It cannot be had.
        """
        plan = plan_of(step)
        plan = Plan(name or plan.name, plan.height, plan.info)
        if step.path:
            self._command("add-upgrade", plan.name, step.path, "--force")
        order = {"name": plan.name, "height": plan.height, "info": plan.info}
        order |= {"execute": True, "download": True, "operator": True}
        reason, pause = "", PAUSE
        for number in range(TRIES):
            if number:
                self._sleep(pause)
                pause *= 2
            answer = self._run(order)
            if answer.get("event") == "staged":
                return
            reason = str(answer.get("reason") or "the staging process has ended without a word")[:500]
            if answer.get("retry_after") is None:
                break
        raise StagingError(reason, str(answer.get("fix") or "")[:500])

    def _run(self, order: dict[str, object]) -> dict[str, object]:
        limit = self._settings.cosmovisor_download_timeout + 600
        deadline = time.monotonic() + limit
        last: dict[str, object] = {}
        run = StagingRun(order, command(self._config_file), self._environ)
        try:
            while True:
                status = run.process.poll()
                for event in run.events():
                    if event.get("event") == "progress":
                        self._say(f"  {str(event.get('text'))[:200]}")
                    else:
                        last = event
                if status is not None:
                    if status and last.get("event") == "staged":
                        last = {"reason": f"the staging process ended with status {status}"}
                    return last
                if time.monotonic() > deadline:
                    return {"reason": f"not done within {limit:.0f} s"}
                time.sleep(0.05)
        finally:
            run.end()

    def _command(self, *words: str) -> None:
        option = ["--cosmovisor-config", self._config_file] if self._config_file else []
        done = subprocess.run(
            [sys.executable, "-m", "cosmovisor", *words, *option],
            env=dict(self._environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            text = done.stderr.decode("utf-8", "replace").strip().splitlines()
            cause = next((line for line in text if line.startswith("Error: ")), "Error: it failed")
            raise StagingError(f"cosmovisor {words[0]}: {cause.removeprefix('Error: ')[:500]}")
