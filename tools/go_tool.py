"""Builds the Go tool of the same name, to be measured and tried beside ours, and prints its path."""

from __future__ import annotations

from tools.go_build import Built, Recipe, build

VERSION = "v1.5.0"
RECIPE = Recipe(
    name="cosmovisor", module="cosmossdk.io/tools/cosmovisor", version=VERSION, package="cmd/cosmovisor"
)


def go_tool() -> Built:
    """Return the Go tool, built at the first call."""
    return build(RECIPE)


if __name__ == "__main__":
    print(go_tool().path)
