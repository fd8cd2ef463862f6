"""The page of figures, in both languages, from one run."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
import time
import tomllib
from typing import Any

LANGUAGES = ("en", "zh")
NOTHING = "-"


@dataclasses.dataclass(frozen=True)
class Figure:
    """One row of the table.

    Attributes:
        key: Its title in `texts/`.
        unit: Unit of both values.
        go: Samples of the Go tool.
        ours: Our samples.
        reach: Largest share of the Go tool's value that is the goal.
    """

    key: str
    unit: str
    go: list[float]
    ours: list[float]
    reach: float

    @property
    def ratio(self) -> float:
        """Our median as a share of the Go tool's."""
        return statistics.median(self.ours) / statistics.median(self.go)


def texts(language: str) -> dict[str, Any]:
    """Return the texts of a language."""
    with open(os.path.join(os.path.dirname(__file__), "texts", f"{language}.toml"), "rb") as file:
        return tomllib.load(file)


def table(figures: list[Figure], language: str) -> str:
    """Return the table of figures."""
    words = texts(language)
    rows = ["| " + " | ".join(words["head"]) + " |", "|" + " --- |" * len(words["head"])]
    for figure in figures:
        known = bool(figure.go and figure.ours)
        share = f"{figure.ratio:.2f}" if known else NOTHING
        missed = "" if known and figure.ratio <= figure.reach else " ✗"
        values = [_cell(samples, figure.unit) for samples in (figure.go, figure.ours)]
        rows.append(
            "| "
            + " | ".join([words["titles"][figure.key], *values, share, f"≤ {figure.reach:g}{missed}"])
            + " |"
        )
    return "\n".join(rows) + "\n"


def write(figures: list[Figure], samples: int, idle: float) -> None:
    """Write `docs/en/figures.md` and `docs/zh/figures.md`."""
    for language in LANGUAGES:
        page = (
            texts(language)["page"]
            .lstrip()
            .format(
                date=time.strftime("%Y-%m-%d"),
                machine=machine(),
                samples=samples,
                idle=f"{idle:g}",
                table=table(figures, language),
            )
        )
        with open(_page(language), "w") as file:
            file.write(page + backup(language))


def renew_backup() -> None:
    """Write the last measurement of backups into both pages; the rest of them stays as it is."""
    for language in LANGUAGES:
        with open(_page(language)) as file:
            page = file.read()
        head = texts(language)["backup"].lstrip("\n").partition("\n")[0]
        with open(_page(language), "w") as file:
            file.write(page.partition(f"\n{head}\n")[0] + backup(language))


def backup(language: str) -> str:
    """Return the section on backups, from the last run of `make bench-backup`; empty where there is none."""
    try:
        with open(os.path.join(os.path.dirname(__file__), "backup.json")) as file:
            found = json.load(file)
    except FileNotFoundError:
        return ""
    cells = {kind: _cell(found[kind], "s") for kind in ("plain", "ahead", "after")}
    share = statistics.median(found["after"]) / statistics.median(found["plain"])
    words = {name: found[name] for name in ("date", "machine", "load", "mib")}
    text: str = texts(language)["backup"]
    return text.format(**words, **cells, samples=len(found["plain"]), share=f"{share:.2f}")


def _page(language: str) -> str:
    return os.path.join("docs", language, "figures.md")


def machine() -> str:
    """Name what the run ran on."""
    return f"Linux {platform.release()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def _cell(samples: list[float], unit: str) -> str:
    if not samples:
        return NOTHING
    low, middle, high = (_number(value) for value in (min(samples), statistics.median(samples), max(samples)))
    spread = f" ({low} … {high})" if len(samples) > 1 else ""
    return f"{middle} {unit}".strip() + spread


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
