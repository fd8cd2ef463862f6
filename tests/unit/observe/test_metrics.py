"""A snapshot as Prometheus text: every line can be parsed, and a name from the chain cannot break out of it."""

from __future__ import annotations

import re
from typing import Any

from cosmovisor.observe import metrics

LINE = re.compile(r'cosmovisor_[a-z_]+(\{([a-z_]+="(?:[^"\\\n]|\\.)*",?)+\})? -?\d+(\.\d+)?(e[+-]?\d+)?')


def snapshot(**more: Any) -> dict[str, Any]:
    block = {"height": 70, "strength": "exact", "source": "rpc", "at": 1.0}
    return {
        "name": "evmosd",
        "chain_id": "evmos_9001-2",
        "phase": "running",
        "supervisor": {"pid": 1},
        "node": {"pid": 2, "version": "genesis"},
        "heights": {"block": block, "application": {**block, "strength": "at least"}},
        "history": [],
        "backups": [],
        **more,
    }


def values(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        if line.startswith("# "):
            assert re.fullmatch(r"# (HELP|TYPE) cosmovisor_[a-z_]+ .+", line)
            continue
        assert LINE.fullmatch(line), line
        name, _, number = line.rpartition(" ")
        found[name.removeprefix("cosmovisor_")] = number
    return found


def test_a_node_on_the_way_to_an_upgrade() -> None:
    plan = {"name": "v2", "height": 100, "info": ""}
    found = values(
        metrics.text(snapshot(scout={"eta": {"height": 100, "at": 1700.5}}, conflict="x"), plan, ready=False)
    )
    assert found["supervisor_up"] == found["node_up"] == found["schedule_conflict"] == "1"
    assert found['height{of="block",exact="1"}'] == found['height{of="application",exact="0"}'] == "70"
    assert found['upgrade_height{name="v2"}'] == "100"
    assert found['upgrade_ready{name="v2"}'] == "0"
    assert found['upgrade_blocks_left{name="v2"}'] == "30"
    assert found['upgrade_expected_timestamp_seconds{name="v2"}'] == "1700.5"
    assert found["holding"] == "0"
    ready = values(metrics.text(snapshot(scout={"eta": {"height": 99, "at": 1.0}}), plan, ready=True))
    assert ready['upgrade_ready{name="v2"}'] == "1"
    assert 'upgrade_expected_timestamp_seconds{name="v2"}' not in ready


def test_a_home_without_anything() -> None:
    empty = snapshot(supervisor=None, node=None, heights={"block": None, "application": None}, chain_id="")
    found = values(metrics.text(empty, None, ready=False))
    assert (found["supervisor_up"], found["node_up"]) == ("0", "0")
    assert not [name for name in found if name.startswith(("height", "upgrade", "last"))]


def test_what_lies_behind() -> None:
    plan = {"name": "v2", "height": 60}
    line = {"plan": plan, "at": 5.0, "downtime": 0.25}
    found = values(
        metrics.text(
            snapshot(history=[line], backups=[{"at": 4.0}], phase="holding", waiting_since=9.0),
            None,
            ready=False,
        )
    )
    assert found['last_upgrade_downtime_seconds{name="v2"}'] == "0.25"
    assert found['last_upgrade_timestamp_seconds{name="v2"}'] == "5"
    assert found["backup_timestamp_seconds"] == "4"
    assert (found["holding"], found["waiting_since_timestamp_seconds"]) == ("1", "9")


def test_a_name_from_the_chain_stays_inside_its_quotes() -> None:
    plan = {"name": 'v2"} 1\ncosmovisor_holding 1 \\', "height": 100}
    text = metrics.text(snapshot(), plan, ready=False)
    assert values(text)["holding"] == "0"
