"""How sure it is that a binary is the one that was meant: what holds it, and what was learned elsewhere.

Seven of eight published URLs carry no digest. What a release's checksum list, a mirror or the nodes that have
upgraded already say is then all there is: it is stated, with its sources, and never becomes a silent yes.
"""

from __future__ import annotations

from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cosmovisor.model.receipts import Opinion

_HELD = {
    "digest": "held by the digest that was published with it",
    "pinned": "held by the digest that is pinned in config.toml",
    "signed": "held by the publisher's signature",
}
_LOOSE = {
    "https": "no digest was published: worth the https connection that it came over",
    "none": "it came over plain http without a digest",
    "hand": "placed by hand",
}


@value
class Confidence:
    """What is known of a binary's origin.

    Attributes:
        level: `contradicted` (a place says that it is another file or version), `held` (a digest, a pin or a
            signature holds it), `confirmed` (other places agree), `unconfirmed` (nothing was learned).
        text: All that is known, in words.
        opinions: What it rests on beside the digest.
    """

    level: str
    text: str
    opinions: tuple[Opinion, ...] = ()

    def document(self) -> dict[str, object]:
        """Return it for JSON."""
        opinions = [
            {"kind": one.kind, "source": one.source, "verdict": one.verdict, "text": one.text}
            for one in self.opinions
        ]
        return {"level": self.level, "text": self.text, "opinions": opinions}


def of(trust: str, opinions: Sequence[Opinion]) -> Confidence:
    """Weigh what is known; one contradiction outweighs everything that agrees.

    Args:
        trust: What holds the binary, as a receipt has it.
        opinions: What was learned elsewhere.
    """
    verdicts = {one.verdict for one in opinions}
    if "contradicts" in verdicts:
        level = "contradicted"
    elif trust in _HELD:
        level = "held"
    else:
        level = "confirmed" if "agrees" in verdicts else "unconfirmed"
    first = ("contradicts", "agrees", "silent")
    told = sorted(opinions, key=lambda one: first.index(one.verdict) if one.verdict in first else 3)
    texts = [*(one.text for one in told), _HELD.get(trust) or _LOOSE.get(trust, "")]
    if trust in _HELD and level == "held":
        texts = [texts[-1], *texts[:-1]]
    return Confidence(level, "; ".join(text for text in texts if text), tuple(told))
