"""`cosmovisor status`: how things stand, from the running supervisor or from what it has left."""

from __future__ import annotations

import time
from typing import Any

import click

from cosmovisor.cli import common, scouted
from cosmovisor.model.errors import UsageError
from cosmovisor.observe.log import visible

_OUTPUTS = ("text", "json", "metrics")
_TIMEOUT = 10.0
_LONGEST = 2_000
#: Exit status where no supervisor runs, as `systemctl status` has it.
_NOT_RUNNING = 3


@common.command("status", output_words=False)
def status(session: common.Session) -> int:
    """Show the node, its height, the next upgrade and how ready it is.

    `-o metrics` writes Prometheus text, for the textfile collector of a node exporter. The exit status is 3
    where no supervisor runs, as that of `systemctl status` is.
    """
    from cosmovisor.supervisor import snapshot

    if session.output not in _OUTPUTS:
        raise UsageError(
            f"the output {session.output!r} is unknown", "Choose -o text, -o json or -o metrics."
        )
    found = snapshot.of_home(session.settings, session.environ, _TIMEOUT)
    if session.output == "metrics":
        from cosmovisor.observe import metrics

        plan, ready = snapshot.next_plan(found)
        click.echo(metrics.text(found, plan, ready=ready))
    else:
        session.show("\n".join(lines(found)), found)
    return 0 if found["supervisor"] else _NOT_RUNNING


def lines(found: dict[str, Any]) -> list[str]:
    """Return a snapshot as one screen of text."""
    told = [("Home", found["home"])]
    if found["node_home"] != found["home"]:
        told.append(("Node's home", found["node_home"]))
    supervisor = found["supervisor"]
    told.append(("Supervisor", _process(supervisor) if supervisor else "✗ not running"))
    told.append(("Node", _node(found)))
    if found.get("link"):
        told.append(("Active version", found["link"]["version"] or f"✗ link is {found['link']['kind']}"))
    told.append(("Height", _heights(found)))
    told += [("" if at else "Next upgrade", line) for at, line in enumerate(_next(found))]
    now = time.time()
    for label, said in (
        ("In voting", scouted.proposals(found, now)),
        ("Noticed", scouted.events(found)),
        ("Scout", scouted.problems(found)),
    ):
        told += [("" if at else label, line) for at, line in enumerate(said)]
    if found["waiting"]:
        told.append(("Waiting for", f"{found['waiting']}{_since(found.get('waiting_since'))}"))
    told += [(label, text) for label, text in (("Step", _step(found)), ("Staging", _staging(found))) if text]
    if found.get("conflict"):
        told.append(("Conflict", f"✗ {found['conflict']}"))
    if found.get("watch"):
        told.append(("Watch", f"✗ {found['watch']}"))
    last = found["history"][-1] if found["history"] else None
    if last:
        told.append(("Last upgrade", f"{last['plan']['name']} at {last['plan']['height']}{_downtime(last)}"))
    # Names and titles come from the chain: they must not change the terminal.
    return [f"{label + ':' if label else '':<16}{visible(text, _LONGEST)}" for label, text in told]


def _process(process: dict[str, Any]) -> str:
    return f"✓ process {process['pid']}{_since(process.get('since'))}, {process['phase']}"


def _node(found: dict[str, Any]) -> str:
    node = found.get("node")
    if not node or not node.get("pid"):
        return "✗ not running" + (
            f" (ended with {node['status']})" if node and node["status"] is not None else ""
        )
    return f"✓ process {node['pid']}{_since(node.get('since'))}, {node['version'] or 'unknown version'}"


def _heights(found: dict[str, Any]) -> str:
    block, application = found["heights"]["block"], found["heights"]["application"]
    if not block:
        return "unknown"
    text = f"{block['height']} ({'' if block['strength'] == 'exact' else 'at least, '}{block['source']})"
    return f"{text}, application {application['height']}" if application else text


def _step(found: dict[str, Any]) -> str:
    step = found.get("step") or {}
    return ", ".join([str(word) for word in (step.get("kind"), step.get("progress")) if word])


def _staging(found: dict[str, Any]) -> str:
    staging = found.get("staging") or {}
    words = [str(staging["progress"])] if staging.get("progress") else []
    if staging.get("next_try_at"):
        words.append(time.strftime("the next try is at %H:%M:%S", time.localtime(staging["next_try_at"])))
    return ", ".join(words)


def _next(found: dict[str, Any]) -> list[str]:
    from cosmovisor.supervisor import snapshot

    plan, ready = snapshot.next_plan(found)
    if plan is None:
        return ["none known"]
    told = [f"{plan['name']} at height {plan['height']}", *scouted.expected(found, plan, time.time())]
    for prospect in found.get("prospects", ()):
        if prospect["plan"] == plan and ready:
            told.append(f"✓ ready: {prospect['folder']} ({prospect['trust']})")
            told += _confidence(prospect.get("confidence"))
            warnings = [
                proof
                for proof in prospect["proofs"]
                if proof["outcome"] != "ok" and (proof["name"] != "confidence" or proof["fix"])
            ]
            told += [f"  ! {proof['text']}. {proof['fix']}" for proof in warnings]
        elif prospect["plan"] == plan:
            told.append(f"✗ not ready: {prospect['reason']}. {prospect['fix']}")
    return told


def _confidence(stated: dict[str, Any] | None) -> list[str]:
    """How sure it is that this is the binary that was meant; older supervisors do not say."""
    if stated is None:
        return []
    mark = {"contradicted": "✗", "unconfirmed": "!"}.get(stated["level"], "✓")
    return [f"  {mark} confidence: {stated['level']}: {stated['text']}"]


def _downtime(last: dict[str, Any]) -> str:
    return f", downtime {last['downtime']:.1f} s" if last["downtime"] else ""


def _since(moment: float | None) -> str:
    if not moment:
        return ""
    return time.strftime(", since %Y-%m-%d %H:%M:%S", time.localtime(moment))


COMMAND = status
