"""What every hostile case has: a home with a server beside it."""

from __future__ import annotations

import pytest

from tests.support.staging_home import Home


@pytest.fixture
def home(tmp_path):
    found = Home(tmp_path)
    yield found
    found.close()
