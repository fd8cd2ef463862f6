"""A demo node at work: start-up with handshake, blocks, the halt, the end."""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from cosmovisor.demo import answers, goson, ledger, wire
from cosmovisor.demo import home as homes
from cosmovisor.demo.application import Application, ApplyError, LoadError
from cosmovisor.demo.blocks import BlockStore
from cosmovisor.demo.leveldb import Database, DatabaseLockedError
from cosmovisor.demo.logs import Log, emit
from cosmovisor.demo.options import Options
from cosmovisor.demo.server import Server
from cosmovisor.demo.signer import PRECOMMIT, PREVOTE, PROPOSE, Signer, SignStateError
from cosmovisor.demo.wal import WriteAheadLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from cosmovisor.demo.arguments import StartArguments

    Json = dict[str, Any]


class Node:
    """One running node."""

    def __init__(self, options: Options, arguments: StartArguments) -> None:
        self.options, self.arguments, self.home = options, arguments, arguments.home
        self.log = Log(as_json=arguments.log_json)
        self.halted = False
        self.mempool: list[Json] = []
        self.stopping = 0
        self.laddr = arguments.laddr
        self.pending: tuple[float, int, Json] | None = None
        self.next_block = 0.0
        self.wal: WriteAheadLog | None = None
        self.plan_path = os.path.join(self.home, "data", "upgrade-info.json")
        self.server: Server | None = None
        self.late = -1

    def start(self) -> int:
        """Run until a signal or a failure; return the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        try:
            self._open()
        except DatabaseLockedError as error:
            self._fail(f"failed to initialize database: resource temporarily unavailable ({error})", 1)
        except SignStateError as error:
            self._fail(str(error), 1)
        except LoadError as error:
            self._fail(str(error), error.code)
        except FileNotFoundError as error:
            self._fail(f"error reading {error.filename}: no such file or directory; run init first", 1)
        except ValueError as error:
            self._fail(f"failed to read upgrade info from disk: {error}", 1)
        if self.options.crash_start >= 0:
            self._leave(self.options.crash_start)
        self._handshake()
        self._listen()
        return self._loop()

    def _open(self) -> None:
        key = homes.read_json(self.home, "config", "priv_validator_key.json")
        self.address, self.pub_key = str(key["address"]), key["pub_key"]
        self.chain_id = str(homes.read_json(self.home, "config", "genesis.json")["chain_id"])
        self.params = homes.read_json(self.home, "config", "demo.json")
        self.node_id = homes.node_id(self.home)
        time.sleep(self.options.slow_start)
        self.database = Database(os.path.join(self.home, "data", "application.db"))
        committed = self.database.values.get(b"demo/state")
        import json

        self.app = Application(self.options, self.params, json.loads(committed) if committed else None)
        self.store = BlockStore(self.home, int(self.params.get("initial_height", 1)))
        ledger.note(
            self.options.ledger,
            "start",
            version=self.options.name,
            handlers=list(self.options.handlers),
            home=os.path.realpath(self.home),
            arguments=sys.argv[1:],
            store_height=self.store.height,
            app_height=self.app.height,
            early=self.app.is_early(),
            parent=os.getppid(),
            library_path=os.environ.get("LD_LIBRARY_PATH", ""),
        )
        self.app.load(goson.read_plan(self.plan_path))
        self.signer = Signer(self.home, self.options, self.chain_id, self.address)

    def _handshake(self) -> None:
        """Bring the application to the block store's height: a halted block is replayed before RPC is up."""
        if self.store.height > self.app.height:
            self.log.write(
                "INF",
                "ABCI Replay Blocks",
                appHeight=self.app.height,
                storeHeight=self.store.height,
                module="consensus",
            )
        while self.store.height > self.app.height:
            height = self.app.height + 1
            try:
                self._apply(height, self.store.blocks[height])
            except ApplyError as error:
                self._note_halt(error)
                if self.options.at_least("0.50"):
                    self._fail(f"error during handshake: error on replay: {error}", 1)
                emit(2, f"panic: {error}\n\ngoroutine 1 [running]:\nmain.main()\n")
                self._leave(2)
        if self.app.height > self.store.height:
            self._fail(
                f"app block height ({self.app.height}) is above the block store's ({self.store.height})",
                1,
            )

    def _listen(self) -> None:
        self.poller = select.poll()
        self.wake, wake_write = os.pipe()
        for file in (self.wake, wake_write):
            os.set_blocking(file, False)
        signal.set_wakeup_fd(wake_write)
        self.poller.register(self.wake, select.POLLIN)
        laddr = "" if self.options.rpc == "off" else self.arguments.laddr
        if laddr:
            try:
                self.server = Server(
                    laddr,
                    self.poller,
                    lambda method, params: answers.answer(self, method, params),
                    silent=self.options.rpc == "silent",
                )
            except OSError as error:
                self._fail(f"failed to listen on {laddr}: {error.strerror}", 1)
            self.laddr = self.server.address()
            if laddr.endswith(":0"):
                homes.replace_laddr(self.home, self.laddr)
        if self.params.get("laddr_file"):
            homes.write(str(self.params["laddr_file"]), self.laddr)
        self.log.write("INF", "Starting RPC HTTP server on " + self.laddr, module="rpc-server")

    def _loop(self) -> int:
        born = time.monotonic()
        deaf, leash = True, 0.0
        if not self.syncing():
            self.wal = WriteAheadLog(os.path.join(self.home, "data", "cs.wal"))
        while True:
            now = time.monotonic()
            if deaf and now - born >= self.options.deaf:
                deaf = False
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, self._signalled)
            if self.options.leash and now >= leash:
                leash = now + 1
                if not _lives(self.options.leash):
                    os._exit(99)
            if self.stopping and not self.options.ignore_sigterm:
                return self._stop()
            if self.pending and now >= self.pending[0]:
                _, height, block = self.pending
                self.pending = None
                self._decide(height, block)
            elif not self.pending and not self.halted and now >= self.next_block:
                self._produce()
            due = self.pending[0] if self.pending else self.next_block if not self.halted else now + 1
            wait = max(0.0, min(due - time.monotonic(), 1.0, self.options.deaf if deaf else 1.0))
            for file, _ in self.poller.poll(int(wait * 1000 + 0.999)):
                if file == self.wake:
                    os.read(self.wake, 512)
                elif self.server:
                    self.server.handle(file)

    def _signalled(self, number: int, _frame: object) -> None:
        self.stopping = number

    def syncing(self) -> bool:
        """Tell whether the node takes blocks from the network: block sync, no signatures."""
        height = self.store.height
        return height < int(self.params.get("sync_to", 0)) or not self.signer.may_sign(height + 1)

    def _produce(self) -> None:
        """Make or take the next block."""
        height = self.store.height + 1
        if height > homes.gate(self.home):
            self.next_block = time.monotonic() + 0.02
            return
        if height == self.options.crash_at:
            emit(2, f"panic: something else went wrong at height {height}\n")
            self._leave(1)
        now = time.time_ns()
        block: Json = {"time": now, "app_hash": self.app.state["hash"].upper(), "txs": self.mempool}
        self.mempool = []
        if self.syncing():
            rate = float(self.params.get("sync_rate", 200))
            self.next_block = time.monotonic() + 1 / rate
            block["hash"] = self.signer.proposal(-1)
            self._from_network(height, block)
            return
        self.next_block = time.monotonic() + float(self.params["block_interval"])
        if self.wal is None:
            self.wal = WriteAheadLog(os.path.join(self.home, "data", "cs.wal"))
        block["hash"] = self.signer.proposal(height)
        self.wal.round_step(height, "RoundStepPropose")
        self.wal.block_part(height, block["hash"].encode())
        for step, name in ((PROPOSE, ""), (PREVOTE, "RoundStepPrevote"), (PRECOMMIT, "RoundStepPrecommit")):
            if name:
                self.wal.round_step(height, name)
            self.signer.sign(height, step, block["hash"])
        plan = self.app.state["plan"]
        if self.options.optimistic and plan and plan["height"] == height and not self._knows(plan):
            self._dump(plan)
            self.pending = (time.monotonic() + self.options.optimistic_gap, height, block)
        else:
            self._decide(height, block)

    def _knows(self, plan: Json) -> bool:
        return plan["name"] in self.options.handlers or plan["height"] in self.arguments.skips

    def _decide(self, height: int, block: Json) -> None:
        """Save a decided block, end its height in the log, apply it; a failure freezes the node."""
        self.store.save(height, block)
        if self.wal:
            self.wal.end_height(height)
        try:
            self._apply(height, block)
        except ApplyError as error:
            self._note_halt(error)
            self.log.write("ERR", "CONSENSUS FAILURE!!!", err=goson.dumps(str(error)), module="consensus")
            if self.options.halt == "exit":
                self._leave(self.options.halt_code)
            if self.wal:
                self.wal.close()
                self.wal = None
            self.halted = True
            return
        self._after_commit(height)

    def _from_network(self, height: int, block: Json) -> None:
        self.store.save(height, block)
        try:
            self._apply(height, block)
        except ApplyError as error:
            self._note_halt(error)
            emit(
                2,
                f"panic: Failed to process committed block ({height}): {error}\n\ngoroutine 97 [running]:\n",
            )
            self._leave(2)
        self._after_commit(height)

    def _apply(self, height: int, block: Json) -> None:
        """Execute a block and commit it.

        Raises:
            ApplyError: This program cannot.
        """
        halt = self.arguments.halt_height
        if halt and self.options.at_least("0.50") and height >= halt + self.options.halt_height_early:
            raise ApplyError(f"halt per configuration height {halt} time 0")
        plan = self.app.state["plan"]
        try:
            outcome = self.app.execute(height, self.arguments.skips)
        except ApplyError as error:
            if error.needed:
                self._dump(error.needed)
            self.log.write("ERR", str(error), module="x/upgrade")
            raise
        if outcome == "skipped":
            self.log.write(
                "INF", f'UPGRADE "{plan["name"]}" SKIPPED at {height}: {plan["info"]}', module="x/upgrade"
            )
        if outcome == "applied":
            self.log.write(
                "INF", f'applying upgrade "{plan["name"]}" at height: {height}', module="x/upgrade"
            )
            time.sleep(self.options.slow_migration)
            self.app.finish_upgrade(height)
            self.next_block = time.monotonic() + self.options.power_wait
            ledger.note(
                self.options.ledger,
                "applied",
                plan=plan["name"],
                height=height,
                version=self.options.name,
                home=os.path.realpath(self.home),
            )
        self.app.deliver(height, block["time"], block["txs"])
        self.database.put({b"demo/state": self.app.encode(), b"s/latest": wire.field(1, height)})
        self.log.write(
            "INF", "committed state", app_hash=self.app.state["hash"].upper(), height=height, module="state"
        )

    def _after_commit(self, height: int) -> None:
        halt = self.arguments.halt_height
        if halt and height >= halt and not self.options.at_least("0.50"):
            self.late = self.options.late_blocks if self.late < 0 else self.late - 1
            if self.late == 0:
                self.log.write("INF", f"halting node per configuration height={halt} time=0", module="server")
                os.kill(os.getpid(), signal.SIGINT)

    def _dump(self, plan: Json) -> None:
        try:
            goson.write_plan(self.options, self.plan_path, plan)
        except OSError as error:
            raise ApplyError(f"unable to write upgrade info to filesystem: {error.strerror}") from None

    def _note_halt(self, error: ApplyError) -> None:
        plan = error.needed or (self.app.state["plan"] if "unable to write" in str(error) else None)
        if plan:
            ledger.note(
                self.options.ledger,
                "halt",
                plan=plan["name"],
                height=plan["height"],
                version=self.options.name,
                home=os.path.realpath(self.home),
            )

    def _stop(self) -> int:
        """End in an orderly way."""
        self.log.write("INF", "caught signal", signal=signal.Signals(self.stopping).name, module="server")
        if self.server:
            self.server.close()
        time.sleep(self.options.slow_stop)
        if self.wal:
            self.wal.close()
        self.store.close()
        self.log.write("INF", "Closing application.db", module="server")
        self.database.close()
        ledger.note(self.options.ledger, "exit", code=0, version=self.options.name)
        return 0

    def _fail(self, text: str, code: int) -> NoReturn:
        if code == 2:
            emit(2, f"panic: {text}\n\ngoroutine 1 [running]:\nmain.main()\n")
        else:
            self.log.write("ERR", text, module="server")
            emit(2, f"Error: {text}\n")
        self._leave(code)

    def _leave(self, code: int) -> NoReturn:
        ledger.note(self.options.ledger, "exit", code=code, version=self.options.name)
        os._exit(code)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
