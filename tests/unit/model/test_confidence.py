"""What is known of a binary's origin, weighed and said."""

from __future__ import annotations

import pytest

from cosmovisor.model import confidence
from cosmovisor.model.receipts import Opinion

YES = Opinion("release-list", "https://example.com/SHA256SUMS", "agrees", "its list agrees")
NO = Opinion("mirror", "https://mirror.example/x", "contradicts", "the mirror has another file")
SILENT = Opinion("mirror", "https://mirror.example/x", "silent", "the mirror has nothing")


@pytest.mark.parametrize("trust", ["digest", "pinned", "signed", "https", "none", "hand"])
@pytest.mark.parametrize("opinions", [(), (YES,), (NO,), (SILENT,), (YES, NO), (SILENT, YES)])
def test_one_contradiction_outweighs_everything_and_silence_is_never_a_yes(trust, opinions):
    found = confidence.of(trust, opinions)
    held = trust in {"digest", "pinned", "signed"}
    expected = "contradicted" if NO in opinions else "held" if held else "confirmed" if YES in opinions else "unconfirmed"  # fmt: skip
    assert found.level == expected
    assert all(one.text in found.text for one in opinions)


def test_the_worst_is_said_first():
    assert confidence.of("https", (SILENT, YES, NO)).text.startswith(NO.text)
    assert confidence.of("digest", (YES,)).text.startswith("held by the digest")


def test_its_document_names_every_source():
    document = confidence.of("https", (YES,)).document()
    assert document["level"] == "confirmed"
    assert document["opinions"] == [
        {"kind": "release-list", "source": YES.source, "verdict": "agrees", "text": YES.text}
    ]
