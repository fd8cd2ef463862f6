"""The laws, checked at every command, every decision and every block; each break is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cosmovisor.model.receipts import StagedBinary
from tests.model.chain import (
    Config,
    Data,
    first_block,
    height_of,
    is_foreign,
    is_ungoverned,
    needed,
    on_chain,
)

if TYPE_CHECKING:
    from cosmovisor.model.decision import Decision
    from cosmovisor.model.state import PlanRecord, Step
    from tests.model.world import World

LAWS = {
    "two nodes": "one node per home",
    "not the active version": "what is launched is what the link names",
    "early, as proven": "a start below the height is never taken as proven",
    "old after the halt": "no start of the old program after a halt that was journalled",
    "not armed": "below an exact schedule the old program is never launched without its halt height",
    "old twice": "at most one start of the old program after a halt that nobody saw",
    "without pre-upgrade": "no start of a new program before its pre-upgrade has finished",
    "stopped early": "a working node is never stopped before its height",
    "unreal plan": "a plan that the chain does not have, or has skipped, is never followed",
    "missed": "a plan that is still to come is never called passed",
    "back below the data": "going back never leads below applied data",
    "back twice": "going back happens at most once per plan and data",
    "back from the right one": "the right program is never taken back",
    "link below the data": "the link is never set below applied data",
    "overwritten": "the chain's plan file is never changed while its plan is to come and it parses",
    "step beside a node": "no step of an upgrade while a node lives",
    "step without proof": "no switch without backup and staged binary",
    "orphaned": "the supervisor never ends while its node lives",
    "due on nothing": "due needs evidence: never proven below the height",
    "stuck": "from every state the chain comes to the top, if nothing more goes wrong",
}


class BrokenError(Exception):
    """A law is broken; `law` names it."""

    def __init__(self, law: str, detail: str) -> None:
        super().__init__(f"{law}: {LAWS[law]} ({detail})")
        self.law = law


class Truth(NamedTuple):
    """What only the model knows: versions whose pre-upgrade has finished, gone back, old starts since a halt."""

    prepared: tuple[int, ...] = ()
    back: tuple[int, ...] = ()
    old_starts: int = 0


def _broken(law: str, world: World, detail: str = "") -> None:
    data = world.data
    raise BrokenError(law, f"b {data.b}, a {data.a}, link v{world.link}{', ' if detail else ''}{detail}")


def right_version(config: Config, data: Data) -> int:
    """Return the version that must execute the next block."""
    if is_ungoverned(config):
        return 2 if data.a + 1 >= first_block(config) else 1
    return needed(config, data, data.a + 1)


def _is_early(config: Config, world: World, version: int) -> bool:
    """Tell whether a version must not run on this data yet."""
    if is_ungoverned(config):
        return version == 2 and world.data.a + 1 < first_block(config)
    return is_foreign(config, version, needed(config, world.data, world.data.a + 1)) > 0


def _is_real(config: Config, data: Data, version: int) -> bool:
    """Tell whether the plan of a version is one to follow."""
    return on_chain(config, data, version) or (is_ungoverned(config) and version == 2)


def _record(world: World, version: int) -> PlanRecord | None:
    assert world.machine is not None
    for one in world.machine.value.state.records:
        if one.plan.name == f"v{version}" and one.plan.height == height_of(version):
            return one  # type: ignore[no-any-return]
    return None


def on_spawn(config: Config, world: World, version: int, armed: int = 0) -> None:
    """Check a launch, with the halt height that it is given."""
    if world.node is not None:
        _broken("two nodes", world)
    if version != world.link:
        _broken("not the active version", world, f"v{version} is launched")
    record = _record(world, version)
    if version > 1 and version not in world.truth.prepared:
        _broken("without pre-upgrade", world)
    if _is_early(config, world, version) and not (record is not None and record.inferred):
        _broken("early, as proven", world)
    if version == 1 and not armed and _is_below_exact(config, world):
        _broken("not armed", world)
    if _is_old(config, world, version):
        coming = _record(world, version + 1)
        if coming is not None and coming.halt_seen and not coming.gone_back and not world.skip:
            _broken("old after the halt", world)
        if world.truth.old_starts >= 1 and (coming is None or not coming.gone_back) and not world.skip:
            _broken("old twice", world)


def _is_below_exact(config: Config, world: World) -> bool:
    """Tell whether an exact entry of the operator's schedule is known and its height is not executed."""
    assert world.machine is not None
    exact = any(entry.exact for entry in world.machine.value.state.schedule)
    return exact and world.data.a + 1 <= first_block(config)


def _is_old(config: Config, world: World, version: int) -> bool:
    """Tell whether a version stands at the halt of the plan after it."""
    data = world.data
    return data.b == data.a + 1 and is_foreign(config, version, needed(config, data, data.b)) < 0


def after_spawn(config: Config, world: World, version: int) -> Truth:
    """Count starts of the old program after the halt."""
    if _is_old(config, world, version):
        return world.truth._replace(old_starts=min(2, world.truth.old_starts + 1))
    return world.truth


def after_kill(config: Config, world: World) -> Truth:
    """Leave out a start of the old program that something else has ended before it came to the halt."""
    node, counted = world.node, world.truth.old_starts
    if node is not None and node.phase == "boot" and counted and _is_old(config, world, node.version):
        return world.truth._replace(old_starts=counted - 1)
    return world.truth


def on_stop(config: Config, world: World) -> None:
    """Check that a node is asked to stop."""
    node = world.node
    assert world.machine is not None
    machine = world.machine.value
    if node is None or machine.signals:
        return
    data = world.data
    following = data.b if data.b > data.a else data.b + 1
    works = is_foreign(config, node.version, needed(config, data, following)) == 0 and node.phase != "hung"
    if (
        machine.why == "upgrade"
        and works
        and not (is_ungoverned(config) and data.a + 1 >= first_block(config))
    ):
        _broken("stopped early", world)
    if machine.why == "go back" and not _is_early(config, world, node.version):
        _broken("back from the right one", world)


def on_link(config: Config, world: World, version: int) -> None:
    """Check that a version is made active."""
    if is_foreign(config, version, needed(config, world.data, world.data.a)) < 0:
        _broken("link below the data", world, f"v{version}")
    if version > world.link and not _is_real(config, world.data, version):
        _broken("unreal plan", world, f"v{version} is made active")


def after_switch(_config: Config, world: World, version: int) -> Truth:
    """A switch needs its pre-upgrade anew."""
    return world.truth._replace(
        prepared=tuple(one for one in world.truth.prepared if one != version), old_starts=0
    )


def on_going_back(config: Config, world: World, version: int) -> None:
    """Check a going back; one that was cut after its link is done again, and is no second one."""
    if version in world.truth.back and world.link == version:
        _broken("back twice", world)
    if _is_real(config, world.data, version) and world.data.a >= height_of(version):
        _broken("back below the data", world)


def after_going_back(world: World, version: int) -> Truth:
    """Remember a going back."""
    return world.truth._replace(back=tuple(sorted({*world.truth.back, version})))


def after_restore(world: World) -> Truth:
    """Other data: what was counted begins anew; pre-upgrade works on files outside the data and stays done."""
    return world.truth._replace(back=(), old_starts=0)


def on_write(config: Config, world: World) -> None:
    """Check a change of the chain's plan file."""
    file, data = world.data.file, world.data
    if file is None or not file.plan:
        return
    if _is_real(config, data, file.plan) and data.a < height_of(file.plan):
        _broken("overwritten", world)


def on_step(config: Config, world: World, step: Step) -> None:
    """Check a step of an upgrade."""
    if world.node is not None:
        _broken("step beside a node", world, step.kind)
    if step.kind == "switch" and (step.backup is None or not isinstance(step.staged, StagedBinary)):
        _broken("step without proof", world)
    version = int(step.plan.name[1:])
    if step.kind in {"backup", "switch"} and not _is_real(config, world.data, version):
        _broken("unreal plan", world, step.kind)


def on_exit(_config: Config, world: World) -> None:
    """Check the end of the supervisor."""
    if world.node is not None:
        _broken("orphaned", world)


def on_decision(config: Config, world: World, decision: Decision) -> None:
    """Check what a table has just said."""
    data, plan = world.data, decision.plan
    if plan is not None and decision.do in {"upgrade", "hold"} and decision.proven:
        version = int(plan.name[1:])
        if data.b < plan.height - 1 or not _is_real(config, data, version):
            _broken("due on nothing", world, decision.row)
    if decision.passed is not None:
        version = int(decision.passed.name[1:])
        if _is_real(config, data, version) and data.a < decision.passed.height and not world.skip:
            _broken("missed", world, decision.row)


def on_block(config: Config, world: World) -> None:
    """Check a move of the node: nothing executes what it must not; the chain's own guards see to the rest."""
    data = world.data
    if data.a > data.b or data.b > data.a + 1:
        raise AssertionError(f"the chain model is wrong: {data}")
