"""Errors carry facts and the next step; the text for the operator is made of them in one place (`cli`)."""

from __future__ import annotations

EXIT_OTHER = 1
EXIT_USAGE = 64
EXIT_HOLD_LIMIT = 75
EXIT_CONFIGURATION = 78


class CosmovisorError(Exception):
    """A failure that the operator can understand.

    Args:
        cause: What happened, naming the file, key or URL; begins in lower case, as in "cannot read ...".
        next_step: What the operator can do now; a whole sentence or a command.
        facts: Further facts for JSON output and tests.
    """

    reference = "error"
    exit_status = EXIT_OTHER

    def __init__(self, cause: str, next_step: str = "", **facts: object) -> None:
        super().__init__(cause)
        self.cause = cause
        self.next_step = next_step
        self.facts = facts


class UsageError(CosmovisorError):
    """The command line is wrong."""

    reference = "usage"
    exit_status = EXIT_USAGE


class ConfigurationError(CosmovisorError):
    """A variable, the configuration file or the folder layout is wrong."""

    reference = "configuration"
    exit_status = EXIT_CONFIGURATION


class PlanError(CosmovisorError):
    """A plan, its name or its info cannot be accepted."""

    reference = "plan"


class StateError(CosmovisorError):
    """The state document or a lock cannot be used."""

    reference = "state"


class StagingError(CosmovisorError):
    """A binary could not be fetched, verified or put into place."""

    reference = "staging"


class BackupError(CosmovisorError):
    """The backup could not be taken."""

    reference = "backup"


class ChainError(CosmovisorError):
    """A node, a write-ahead log or a sign-state file gave no usable answer."""

    reference = "chain"
