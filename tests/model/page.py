"""Writes docs/model-run.md: what one complete run of the search has found, a line for each configuration."""

from __future__ import annotations

import pathlib

from tests.model.chain import FIRST, SECOND, Config
from tests.model.configs import CONFIGS
from tests.model.laws import LAWS
from tests.model.search import Result

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "model-run.md"

_TEXTS: dict[str, dict[object, str]] = {
    "mode": {"optimistic": "optimistic execution", "sync": "block sync"},
    "rpc": {
        "no": "RPC silent",
        "some": "RPC answers or not",
        "stale": "RPC answers up to three blocks late",
    },
    "wal": {"weak": "write-ahead log never exact", "no": "no write-ahead log"},
    "store": {True: "block store readable when the node is down"},
    "early": {"hang": "a new program below its height hangs alive"},
    "late": {True: "binaries arrive late"},
    "patch": {True: "the plan is a patch that the chain knows nothing of"},
    "cancelled": {True: "the chain has cancelled the plan"},
    "restore": {"other": "an older copy restored", "rsync": "an older copy restored into the same folders"},
    "with_file": {True: "with a stale plan file"},
    "skip": {True: "the operators agree to skip the plan"},
    "nofile": {True: "the chain cannot write its plan file"},
    "torn": {True: "a power cut leaves an empty plan file"},
    "known": {True: "the scout has told the plan"},
    "lose": {True: "the state document lost"},
    "slow": {True: "blocks slower than the settle time"},
    "loads": {True: "programs load for longer than two minutes"},
    "crashes": {0: "no crash", 2: "two crashes"},
    "fails": {
        1: "one save, step, file work, launch or staging fails",
        2: "two saves, steps, file works, launches or stagings fail",
    },
    "fetch": {True: "binaries are staged on the way"},
    "apart": {True: "link and marker are two moves"},
    "schedule": {
        "plain": "the operator's schedule",
        "exact": "the operator's exact schedule, the old program ends after its halt height",
        "frozen": "the operator's exact schedule, the old program stands still after its halt height",
        "before": "the operator's exact schedule, the old program stands still before its halt height",
    },
    "second": {True: f"a second plan at height {SECOND}"},
}

_HEAD = f"""# A run of the model search

Written by `make model ARGS=--page` from one run on one state of the code; [the model](en/model.md) says what
the words mean. Every configuration is the plain upgrade at height {FIRST} in consensus, with the RPC answering and one
crash of supervisor, node or both at any moment, and what its line adds. *States* are all that can be reached, *depth*
is the number of moves to the one that is furthest away, *seconds* are those of one core. `make test` repeats the small
ones and pins their numbers.

"""


def adds(config: Config) -> str:
    """Say what a configuration adds to the plain upgrade."""
    told = [texts[value] for name, texts in _TEXTS.items() if (value := getattr(config, name)) in texts]
    if config.ahead:
        what = "scheduled" if config.schedule else "plan file written ahead"
        told.insert(0, f"{what} at height {config.ahead}")
    if config.restore:
        told.append(f"the copy is of height {config.restore_to}")
    return ", ".join(told) or "nothing"


def outcome(result: Result) -> str:
    """Say how a search ended."""
    if result.broken:
        return f"**broken: {result.broken}**"
    if not result.whole:
        return "**not to its end**"
    return ", ".join(f"{law} ({count})" for law, count in result.known) or "every law holds"


def write(results: list[Result]) -> None:
    """Write the page; a configuration without a result is told as not run."""
    found = {result.config.name: result for result in results}
    lines = [
        "| Configuration | What it adds | States | Depth | Seconds | Result |",
        "| --- | --- | --: | --: | --: | --- |",
    ]
    for name, config in CONFIGS.items():
        one = found.get(name)
        numbers = ("–", "–", "–", "**not run**")
        if one is not None:
            numbers = (f"{one.states:,}", str(one.depth), f"{one.seconds:.0f}", outcome(one))
        cells = (f"`{name}`", adds(config), *numbers)
        lines.append(f"| {' | '.join(cells)} |")
    whole = [one for one in results if one.whole and not one.broken]
    clean = [one for one in whole if not one.known]
    total, seconds = sum(one.states for one in results), sum(one.seconds for one in results)
    said = (
        f"{len(results)} of {len(CONFIGS)} configurations, {total:,} states, {seconds:,.0f} seconds of one core "
        f"({total / seconds:,.0f} states a second). {len(whole)} were searched to their end; in {len(clean)} of them every "
        "law holds in every state, the others end at the residues below.\n"
    )
    if len(results) == len(CONFIGS):
        said = said.replace(f"{len(results)} of ", "", 1)
    else:
        said = "**This run was not complete.** " + said
    residues = ["## Residues", "", "| Configuration | Why |", "| --- | --- |"]
    residues += [f"| `{name}` | {one.residue} |" for name, one in CONFIGS.items() if one.residue]
    laws = ["## Laws", "", "| Law | What it says |", "| --- | --- |"]
    laws += [f"| {law} | {text} |" for law, text in LAWS.items()]
    PAGE.write_text(_HEAD + said + "\n" + "\n".join([*lines, "", *residues, "", *laws]) + "\n")
