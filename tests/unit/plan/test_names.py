"""Names of plans become folders, or are refused."""

from __future__ import annotations

import pytest

from cosmovisor.model.errors import PlanError
from cosmovisor.plan import names


@pytest.mark.parametrize("name", ["", ".", "..", "x" * 256, "ü" * 50])
def test_names_that_have_no_folder_of_their_own_are_refused(name):
    with pytest.raises(PlanError):
        names.check(name)


@pytest.mark.parametrize("name", ["v2", "a/b", "../../etc", "new\nline", "ü", "genesis", "x" * 255])
def test_any_other_name_is_accepted_because_the_escape_holds_it(name):
    assert names.check(name) == name
    assert "/" not in names.folder(name, recase=True)


def test_names_are_lower_cased_unless_recase_is_off():
    assert names.folder("V2 Name", recase=True) == "v2%20name"
    assert names.folder("V2 Name", recase=False) == "V2%20Name"
