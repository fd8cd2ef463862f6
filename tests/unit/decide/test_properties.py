"""Laws over random facts: what a table reads in one slice of the cells must not matter in another."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.decision_laws import check
from tools import cells

COMMON = {
    "file": {**cells.FILES_TIMED, **cells.FILES_OURS, **cells.NO_FILE},
    "record": {**cells.RECORDS, **cells.STARTED},
    "known": cells.KNOWN,
    "skipped": cells.SKIP,
    "b": cells.B,
    "staged": cells.STAGED,
    "link": cells.LINKS,
    "marker": cells.BOTH,
    "fits": cells.FITS,
    "usable": cells.USABLE,
    "data": cells.DATA,
    "step": cells.STEPS,
    "schedule": cells.SCHEDULE,
    "twins": cells.BOTH,
    "progress": cells.PROGRESS,
    "hushed": cells.BOTH,
    "quiet": cells.BOTH,
    "ever up": cells.BOTH,
    "status": cells.STATUS,
    "at once": cells.BOTH,
    "started at H": cells.BOTH,
    "progressed": cells.BOTH,
    "first launch": cells.BOTH,
    "armed": cells.ARMED,
}


def values(table: str) -> st.SearchStrategy[dict[str, Any]]:
    dimensions = {**COMMON, "a": cells.A if table == cells.RUNNING else cells.A_REST}
    return st.fixed_dictionaries(
        {name: st.sampled_from(list(found.values())) for name, found in dimensions.items()}
    )


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data(), table=st.sampled_from(list(cells.TABLES)))
def test_the_laws_hold_on_any_facts(data: st.DataObject, table: str) -> None:
    chosen = data.draw(values(table))
    if not cells.possible(chosen["b"], chosen["a"]):
        return
    facts = cells.build(table, chosen)
    decision = cells.TABLES[table](facts)
    check(facts, decision)
    assert cells.TABLES[table](facts) == decision, "the same facts give the same decision"
