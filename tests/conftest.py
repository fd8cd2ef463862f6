"""Skips by named capability, and lists what was skipped."""

from __future__ import annotations

import pytest

from tests.support import capabilities


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for capability in mark.args:
            reason = capabilities.missing(capability)
            if reason:
                pytest.skip(f"this machine lacks {capability}: {reason}")
