"""What would become of a plan, said before anything large is fetched: staged, with a warning, or refused."""

from __future__ import annotations

from cosmovisor.model.value import value
from cosmovisor.staging import overrides, sources, trust
from cosmovisor.staging.connection import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.config.layout import Layout
    from cosmovisor.config.settings import Settings
    from cosmovisor.model.plan import Plan
    from cosmovisor.staging.overrides import Overrides
    from cosmovisor.staging.platforms import Platform
    from cosmovisor.staging.sources import Documents, Source

STAGED, WARNED, REFUSED = "staged", "staged with a warning", "refused"


@value
class Outlook:
    """The decision on a plan.

    Attributes:
        decision: `STAGED`, `WARNED` or `REFUSED`.
        reason: Why, sentences.
        fix: What the operator can do; empty for `STAGED`.
        source: The source that would be used, if there is one.
    """

    decision: str
    reason: str
    fix: str = ""
    source: Source | None = None


def outlook(
    settings: Settings,
    layout: Layout,
    plan: Plan,
    documents: Documents,
    *,
    platform: Platform | None = None,
    table: Overrides = overrides.NONE,
) -> Outlook:
    """Decide on a plan from what it says; the file itself may still turn out to be unusable.

    Args:
        settings: The policy.
        layout: The folder tree.
        plan: The plan.
        documents: Fetches a list of binaries that the plan names by URL.
        platform: What is wanted; this machine unless told.
        table: The operator's overrides.
    """
    version = layout.version_for(plan.name, settings.recase)
    found = sources.gather(
        layout,
        version,
        plan,
        table,
        documents,
        mirrors=settings.cosmovisor_mirrors,
        platform=platform,
    )
    refusals: list[tuple[str, str]] = []
    for source in found.sources:
        try:
            trust.admit(source, settings)
        except Refused as refused:
            refusals.append((refused.cause, refused.next_step))
            continue
        proofs = trust.proofs(source, settings)
        warnings = [proof.text for proof in proofs if proof.outcome == "warning"]
        kind = STAGED if not warnings else WARNED
        held = [proof.text for proof in proofs if proof.name == "trust"]
        return Outlook(kind, "; ".join(dict.fromkeys([*warnings, *held])), source=source)
    reasons = [*(cause for cause, _ in refusals), *found.problems]
    fix = next((step for _, step in refusals if step), "Put the binary into place by hand.")
    return Outlook(REFUSED, "; ".join(dict.fromkeys(reasons)) or "nothing names a source", fix)
