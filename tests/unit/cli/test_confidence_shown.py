"""One screen: how ready the next upgrade is, and how sure that its binary is the right one."""

from __future__ import annotations

from cosmovisor.cli import status
from cosmovisor.model import confidence
from cosmovisor.model.receipts import Opinion

PLAN = {"name": "v2", "height": 100, "info": ""}


def screen(trust, *opinions, proofs=(), **more):
    prospect = {
        "plan": PLAN,
        "folder": "upgrades/v2",
        "ready": True,
        "trust": trust,
        "confidence": confidence.of(trust, opinions).document(),
        "proofs": list(proofs),
    }
    found = {
        "home": "/h",
        "node_home": "/h",
        "supervisor": None,
        "node": None,
        "link": None,
        "heights": {"block": None, "application": None},
        "records": [],
        "known_plan": PLAN,
        "schedule": [],
        "plan_file": None,
        "prospects": [prospect],
        "waiting": "",
        "history": [],
        **more,
    }
    return "\n".join(status.lines(found))


def test_what_confirms_a_file_without_a_digest_is_named():
    shown = screen(
        "https", Opinion("release-list", "https://x/SHA256SUMS", "agrees", "its SHA256SUMS agrees")
    )
    assert "✓ confidence: confirmed: its SHA256SUMS agrees; no digest was published" in shown


def test_a_file_of_which_nothing_is_known_is_never_a_silent_yes():
    assert "! confidence: unconfirmed: no digest was published" in screen("https")


def test_a_contradiction_stands_out_with_what_to_do():
    proof = {"name": "confidence", "outcome": "warning", "text": "the mirror differs", "fix": "Ask them."}
    shown = screen(
        "https", Opinion("mirror", "https://m/x", "contradicts", "the mirror differs"), proofs=(proof,)
    )
    assert "✗ confidence: contradicted: the mirror differs" in shown
    assert "! the mirror differs. Ask them." in shown


def test_a_supervisor_of_an_older_version_says_nothing_of_it():
    older = {"plan": PLAN, "folder": "upgrades/v2", "ready": True, "trust": "https", "proofs": []}
    shown = screen("https", prospects=[older])
    assert "✓ ready: upgrades/v2 (https)" in shown
    assert "confidence" not in shown
