"""Skips by named capability, and lists what was skipped."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.support import capabilities

# The same examples in every run, and no deadline that a loaded machine could miss; `make fuzz` is the long one.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for capability in mark.args:
            reason = capabilities.missing(capability)
            if reason:
                pytest.skip(f"this machine lacks {capability}: {reason}")
