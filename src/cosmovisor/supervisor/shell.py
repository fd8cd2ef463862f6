"""The loop: feeds events to the machine and carries its commands out, one after the other.

Signal handlers only record; blocking work runs in worker threads; nothing durable is written by the loop's
own thread. What the machine asks for is done in its order: each command begins when the one before it is
carried out, or, if it takes its time, was started.
"""

from __future__ import annotations

import asyncio
import collections
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from cosmovisor.decide import commands, events, machine
from cosmovisor.model.observations import Observations
from cosmovisor.model.value import replace
from cosmovisor.observe.log import Log
from cosmovisor.supervisor import (
    approach,
    effects,
    facts,
    first,
    node,
    notify,
    preload,
    reaper,
    reload,
    requests,
    scout,
    server,
    showing,
    signing,
    snapshot,
    spawn,
    stager,
    steps,
    teller,
    watch,
)
from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cosmovisor.decide.commands import Command
    from cosmovisor.decide.events import Event
    from cosmovisor.model.state import SignState

_NAMES = {signal.SIGTERM: "TERM", signal.SIGINT: "INT", signal.SIGQUIT: "QUIT", signal.SIGHUP: "HUP"}
#: Seconds to the next look after a defect of our own.
_AFTER_DEFECT = 5.0
#: Seconds from a change to what others see of it: an upgrade's own work comes first.
_SHOW_AFTER = 0.05
#: Seconds from a change below `upgrades/` to a look at what has nobody's proof yet.
_LOOK_AFTER = 0.2
#: Seconds that a thread may keep the interpreter from another one; the default would cost more than a step.
_SWITCH = 0.0005
#: Steps, facts, durable writes and the record of decisions may be at work at the same moment.
_THREADS = 6


class Shell:
    """The running supervisor.

    Args:
        context: The home.
        start: What the first steps have left.
        log: Where lines go.
        lock_fd: Descriptor of the supervisor's lock.
    """

    def __init__(self, context: Context, start: first.Start, log: Log, lock_fd: int) -> None:
        self.context = context
        self.lock_fd = lock_fd
        self.launched: effects.Launched | None = None
        self.machine = start.machine
        self.seen: Observations | None = None
        self.node: node.Node | None = None
        self.since = time.time()
        self.teller = teller.Teller(context, log)
        self.notify = notify.Notify(context.environ)
        self.stager = stager.Stager(context, self._staging_changed, self.teller.tell)
        self.approach = approach.Approach(context, self.stager, self.teller.tell)
        self.scout = scout.Scout(context, self.teller.tell)
        self.watches = watch.Watches(context, self._woken)
        self.server = server.Server(context.layout.socket, requests.Requests(self).answer)
        self.step: steps.Running | None = None
        self._start = start
        self.sources, self.keeper = start.sources, start.keeper
        self._queue: collections.deque[Event] = collections.deque(start.events)
        self._arrived = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._asking = asyncio.Lock()
        self._questions = 0
        self._acting = False
        self._showing: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._status: int | None = start.status

    async def run(self) -> int:
        """Go on from where the first steps stand, to the end; return the exit status."""
        loop = asyncio.get_running_loop()
        sys.setswitchinterval(_SWITCH)
        loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="work"))
        terminal = notify.has_terminal() and not notify.has_manager(self.context.environ)
        for number, name in _NAMES.items():
            loop.add_signal_handler(number, self._signalled, name, terminal)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _NAMES)
        reaper.start_if_first(loop)
        self.notify.keep_alive(loop)
        for command in self._start.said:
            self.teller.say(command)
        if self._start.launched is not None:
            self._hold(self._start.launched)
        elif self._start.orphan is not None:
            self.launched = self._start.orphan
            self.node = node.Node(self.launched.child, self.context.layout.node_lock, self._ended)
            self.notify.ready()
        self.watches.start()
        if self.watches.problem:
            self.teller.tell("warn", self.watches.problem)
        try:
            await self.server.start()
        except OSError as error:
            self.teller.tell("warn", f"cannot open the socket for `cosmovisor status`: {error.strerror}")
        if self._status is None:
            self.scout.start()
            self._prove_ahead()
            self._begin(asyncio.to_thread(preload.everything))
        try:
            await self._loop(list(self._start.commands))
        finally:
            self._end()
        return self._status if self._status is not None else 1

    async def _loop(self, left: list[Command]) -> None:
        loop = asyncio.get_running_loop()
        await self._carry_out_all(left)
        while self._status is None:
            if not self._queue:
                if self.machine.phase == "running" and not self._questions:
                    self._show()  # At once: a timer would be another wake-up, for ever.
                elif self._showing is None:
                    self._showing = loop.call_later(_SHOW_AFTER, self._show)
                self._arrived.clear()
                await self._arrived.wait()
                continue
            event = self._queue.popleft()
            try:
                self.machine, asked = machine.advance(self.machine, event)
                await self._carry_out_all(list(asked))
            except Exception as error:  # a defect of ours must not leave the node alone
                self._survive(error, event)

    def _survive(self, error: Exception, event: Event | None = None) -> None:
        """A defect of ours must not leave a node without a supervisor: say it, go on, look again soon."""
        self.teller.defect(error)
        if isinstance(event, events.SignalCame) and self.node is not None:
            self.node.signal(signal.SIGTERM)
        if isinstance(event, events.NodeExited):
            self._status = spawn.exit_status(event.status or 1)
        asyncio.get_running_loop().call_later(_AFTER_DEFECT, self._tick)

    def _end(self) -> None:
        self.notify.stopping()
        self.watches.stop()
        self.stager.stop()
        self.scout.stop()
        self.approach.stop()
        self.server.stop()
        if self._timer is not None:
            self._timer.cancel()
        self.teller.finish()

    # -- events ------------------------------------------------------------------------------------------

    def put(self, event: Event) -> None:
        """Queue an event for the machine."""
        self._queue.append(event)
        self._arrived.set()

    def is_busy(self) -> bool:
        """Tell whether something is being carried out, or the machine has not seen everything yet."""
        return self._acting or bool(self._queue) or self.machine.phase != "running"

    def _signalled(self, name: Any, terminal: bool) -> None:
        if name == "HUP":
            self.stager.look_again()  # Who asks for a look does not want to wait for the next try either.
        self.put(events.SignalCame(time.monotonic(), name, terminal))

    def _woken(self, what: Any) -> None:
        if what in {"folders", "data"}:
            self.stager.look_again()
        if what == "folders":
            self._prove_ahead()
        if not any(isinstance(event, events.Woken) and event.what == what for event in self._queue):
            self.put(events.Woken(time.monotonic(), what))

    def _prove_ahead(self) -> None:
        """Soon prove what was placed by hand; whatever comes meanwhile is looked at together."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._find_unproven())

    async def _find_unproven(self) -> None:
        await asyncio.sleep(_LOOK_AFTER)
        if self.machine.phase != "running":
            return
        names = await asyncio.to_thread(facts.unproven, self.context, self.machine.state)
        self.stager.prove_ahead(names)

    def _staging_changed(self) -> None:
        self._woken("staging")

    def _tick(self) -> None:
        self._timer = None
        self.put(events.Tick(time.monotonic()))

    def _ended(self, event: events.NodeExited) -> None:
        self.node = None
        self.sources.end(event.stopped.stopped_at)
        if signing.may_sign(self.context):
            self._begin(self._tell_end(event))
        else:
            self.put(event)

    async def _tell_end(self, event: events.NodeExited) -> None:
        """Tell the machine of the node's end, with what its key has signed."""
        self.put(replace(event, sign_state=await self._signed(event.stopped.stopped_at)))

    async def _signed(self, at: float) -> SignState | None:
        try:
            return await asyncio.to_thread(signing.last, self.context, at)
        except Exception as error:  # the end itself must be told to the machine
            self.teller.defect(error)
            return None

    def _save_ahead(self) -> None:
        """Keep what is new while the node still ends: then only what it signs after this is left to write."""
        signs = signing.may_sign(self.context)
        if self.machine.signals and (signs or not self.keeper.has(self.machine.state)):
            self._begin(self._tell_signed())

    async def _tell_signed(self) -> None:
        self.put(events.SignStateRead(time.monotonic(), await self._signed(time.time())))

    # -- commands ----------------------------------------------------------------------------------------

    async def _carry_out_all(self, asked: list[Command]) -> None:
        self._acting = True
        try:
            left = collections.deque(asked)
            while left:
                command = left.popleft()
                if not await self._carry_out(command):
                    left = collections.deque(commands.after_failed_save(list(left)))
        finally:
            self._acting = False

    async def _carry_out(self, command: Command) -> bool:
        """Carry out one command; False if it was a save that has failed."""
        if isinstance(command, commands.Say):
            self.teller.say(command)
        elif isinstance(command, commands.WakeAt):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(command.at, self._tick)
        elif isinstance(command, commands.GatherFacts):
            self._questions += 1
            self._begin(self._gather(command))
        elif isinstance(command, commands.Save):
            if not self.keeper.has(command.state):
                failed = await asyncio.to_thread(self.keeper.save, command.state)
                if failed is not None:
                    self.put(failed)
                    return False
        elif isinstance(command, commands.Spawn):
            await self._spawn(command)
        elif isinstance(command, commands.RunStep):
            self.approach.stop()
            self.step = steps.Running(command.step)
            self._begin(self._run_step(self.step))
        elif isinstance(command, commands.Exit):
            self._status = command.status
        else:
            await self._carry_out_other(command)
        return True

    async def _carry_out_other(self, command: Command) -> None:
        if isinstance(command, commands.SignalNode):
            if self.node is not None:
                self.node.signal(getattr(signal, f"SIG{command.name}"))
                self._save_ahead()
        elif isinstance(command, commands.KillNode):
            if self.node is not None:
                await self.node.kill()
        elif isinstance(command, commands.CancelStep):
            if self.step is not None:
                self.step.cancel()
        elif isinstance(command, commands.KillStep):
            if self.step is not None:
                self.step.kill()
        elif isinstance(command, commands.Stage):
            self.stager.stage(command.plan, urgent=command.urgent)
        elif isinstance(command, commands.Reload):
            self._begin(reload.reload(self))
        else:
            answer = await asyncio.to_thread(effects.file_command, self.context, command)
            if answer is not None:
                self.put(answer)

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _gather(self, command: commands.GatherFacts) -> None:
        """Answer a question; answers come in the order of the questions, as the machine counts on."""
        async with self._asking:
            self.seen = await self._look(command)
            self._questions -= 1
            self.put(events.FactsGathered(time.monotonic(), self.seen))
        self.approach.look(self.machine, self.seen)

    async def ask_heights(self) -> None:
        """Ask the node for its heights, for somebody who looks at them."""
        if self.node is None or self._questions or self._asking.locked():
            return
        state = self.machine.state
        async with self._asking:
            await asyncio.to_thread(self.sources.refresh, state.chain_id, state.node_id)

    async def _look(self, command: commands.GatherFacts) -> Observations:
        state = self.machine.state
        while True:
            try:
                return await asyncio.to_thread(facts.gather, self.context, state, command, self.sources)
            except Exception as error:  # without an answer the machine would wait for ever
                self.teller.defect(error)
                await asyncio.sleep(_AFTER_DEFECT)

    async def _run_step(self, running: steps.Running) -> None:
        loop = asyncio.get_running_loop()

        def tell(level: str, text: str) -> None:
            loop.call_soon_threadsafe(self.teller.tell, level, text)

        try:
            answer = await asyncio.to_thread(steps.carry_out, self.context, running, tell)
        except Exception as error:  # the machine must hear that its step has failed
            self.teller.defect(error)
            answer = events.Failed(time.monotonic(), running.step.kind, f"{type(error).__name__}: {error}")
        self.step = None
        self.put(answer)

    async def _spawn(self, command: commands.Spawn) -> None:
        key = self.seen.sign_key if self.seen is not None else self._start.sign_key
        answer, launched = await asyncio.to_thread(effects.launch, self.context, command, key)
        if launched is not None:
            self.sources.begin(launched.binary, launched.arguments, launched.child.started_at)
            self._hold(launched)
        self.put(answer)

    def _hold(self, launched: effects.Launched) -> None:
        self.launched = launched
        self.node = node.Node(launched.child, self.context.layout.node_lock, self._ended)
        fields: dict[str, Any] = {"path": launched.binary, "args": list(launched.arguments)}
        library = spawn.library_folder(launched.binary)
        if library:
            fields["LD_LIBRARY_PATH"] = library
        self.teller.tell("info", "running app", **fields)
        self.notify.ready()

    # -- what others see ---------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return how things stand now."""
        return snapshot.of_shell(self)

    def _show(self) -> None:
        self._showing = None
        showing.show(self)


def run(context: Context, start: first.Start, log: Log, lock_fd: int) -> int:
    """Run the loop to its end and return the exit status of the supervisor."""
    # Not `asyncio.run`: its tidying up at the end would delay the exit, and the process ends anyway.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(_run(context, start, log, lock_fd))


async def _run(context: Context, start: first.Start, log: Log, lock_fd: int) -> int:
    return await Shell(context, start, log, lock_fd).run()
