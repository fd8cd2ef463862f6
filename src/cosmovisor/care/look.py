"""Everything about one home at one moment, for the commands that look and repair; changes nothing."""

from __future__ import annotations

import os

from cosmovisor.config.settings import Settings
from cosmovisor.decide import commands, frozen, rebuild
from cosmovisor.decide.launch import decide_launch
from cosmovisor.model.decision import Decision
from cosmovisor.model.errors import StateError
from cosmovisor.model.facts import Facts, NodeFact
from cosmovisor.model.observations import Observations
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import EMPTY, State
from cosmovisor.model.value import value
from cosmovisor.storage import document, locks
from cosmovisor.supervisor import context as contexts
from cosmovisor.supervisor import facts as gathering
from cosmovisor.supervisor import heights
from cosmovisor.supervisor.context import Context


@value
class View:
    """One home at one moment.

    Attributes:
        context: The home.
        state: The state document; empty where there is none or it is damaged.
        recorded: False where there is no state document.
        problem: Why the state document cannot be read, and the next step; None where it can.
        supervisor: Who holds the supervisor's lock; None where nobody does.
        node: Who holds the node's lock; None where nobody does.
        seen: What lies there.
        facts: The same as the tables take it.
    """

    context: Context
    state: State
    recorded: bool
    problem: StateError | None
    supervisor: locks.Holder | None
    node: locks.Holder | None
    seen: Observations
    facts: Facts

    @property
    def decision(self) -> Decision:
        """What the start-up table says about a start at this moment."""
        return decide_launch(self.facts)

    @property
    def outcome(self) -> Decision:
        """What a start would do after it has recorded the data or reset what belongs to other data."""
        state, facts = self.state, self.facts
        decision = decide_launch(facts)
        for _ in range(2):
            if decision.do == "record data":
                state = rebuild.record_data(state, self.seen, facts)
            elif decision.do == "reset stages":
                state = rebuild.reset_stages(state, self.seen, facts, decision.version)
            else:
                break
            facts = frozen.facts_of(state, self.seen, facts.node, facts.skip)
            decision = decide_launch(facts)
        return decision

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Plans that are still to come: of the file, of the scout, of the schedule."""
        found = [self.seen.file.plan, self.state.known_plan, *[entry.plan for entry in self.state.schedule]]
        plans: list[Plan] = []
        for plan in found:
            if plan is not None and plan not in plans and gathering.is_open(self.state, plan):
                plans.append(plan)
        return tuple(plans)


def take(settings: Settings, environ: dict[str, str], config_file: str | None = None) -> View:
    """Look at everything; asks the node if one lives, else reads what it has left.

    Args:
        settings: The settings in force.
        environ: The node's environment, as far as it is ours.
        config_file: The configuration file that the operator named, or None.
    """
    context = contexts.build(settings, [], environ, config_file)
    try:
        state, problem = document.read(context.layout.state_file), None
    except StateError as error:
        state, problem = None, error
    known = state or EMPTY
    supervisor = _holder(context.layout.supervisor_lock)
    node = _holder(context.layout.node_lock)
    plans = [known.known_plan, *[entry.plan for entry in known.schedule]]
    wanted = commands.GatherFacts(
        tuple([plan for plan in plans if plan is not None]), node_lives=node is not None, heights="all"
    )
    seen = gathering.gather(context, known, wanted, heights.Heights(context))
    lives = NodeFact(state="running") if node is not None else NodeFact()
    facts = frozen.facts_of(known, seen, lives, context.policy.skip)
    return View(context, known, state is not None, problem, supervisor, node, seen, facts)


def _holder(path: str) -> locks.Holder | None:
    if not os.path.exists(path) or not locks.is_held(path):
        return None
    return locks.holder(path)
