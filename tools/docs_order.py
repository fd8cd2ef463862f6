"""Order of the pages in the site; a page that is not named comes at the end of its language."""

from __future__ import annotations

import os
from typing import Any

ORDER = (
    "index",
    "operators",
    "switching",
    "ahead",
    "rehearse",
    "staging",
    "upgrade-night",
    "sync",
    "troubleshooting",
    "recovery",
    "chain-developers",
    "reference",
    "proof",
    "model",
    "figures",
    "figures-ahead",
)
LANGUAGES = {"English": "en", "中文": "zh"}
COMMON = (
    "architecture.md",
    "complaints.md",
    "decisions.md",
    "mutation.md",
    "model-run.md",
    "dependencies.md",
    "plans.md",
)


def on_config(config: Any) -> Any:
    """Build the navigation from the folders (mkdocs calls this)."""
    folder = config["docs_dir"]
    nav: list[Any] = ["index.md"]
    nav += [{name: pages(folder, language)} for name, language in LANGUAGES.items()]
    nav += [{"Project": [name for name in COMMON if os.path.exists(os.path.join(folder, name))]}]
    config["nav"] = nav
    return config


def pages(folder: str, language: str) -> list[str]:
    """Return the pages of a language in reading order."""
    found = []
    for place, _, names in os.walk(os.path.join(folder, language)):
        found += [
            os.path.relpath(os.path.join(place, name), folder) for name in names if name.endswith(".md")
        ]

    def rank(path: str) -> tuple[int, str]:
        name = os.path.relpath(path, language).removesuffix(".md")
        return (ORDER.index(name) if name in ORDER else len(ORDER), name)

    return sorted(found, key=rank)
