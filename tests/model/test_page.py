"""The page of the last run is about the configurations that there are, and agrees with the pinned numbers."""

from __future__ import annotations

from tests.model.configs import CONFIGS
from tests.model.laws import LAWS
from tests.model.page import PAGE, adds
from tests.model.test_search import SMALL


def rows() -> dict[str, list[str]]:
    """Return the cells of each configuration on the page."""
    lines = [line.strip("|").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells] for cells in lines if len(cells) == 6}


def test_every_configuration_has_its_row_in_order() -> None:
    assert list(rows()) == list(CONFIGS)
    assert [cells[1] for cells in rows().values()] == [adds(config) for config in CONFIGS.values()]


def test_no_two_configurations_are_the_same() -> None:
    assert len({config._replace(name="") for config in CONFIGS.values()}) == len(CONFIGS)


def test_the_page_has_the_pinned_numbers() -> None:
    for name, (states, depth) in SMALL.items():
        assert rows()[name][2:4] == [f"{states:,}", str(depth)], name


def test_every_law_is_listed() -> None:
    text = PAGE.read_text()
    assert all(f"| {law} | {said} |" in text for law, said in LAWS.items())
