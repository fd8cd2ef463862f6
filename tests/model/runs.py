"""Runs many searches, each in a process of its own, so that one's memory ends with it."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
from collections.abc import Iterator

from tests.model.configs import CONFIGS
from tests.model.search import Result, search


def search_named(name: str) -> Result:
    """Search the configuration of a name."""
    return search(CONFIGS[name])


def run(names: list[str], jobs: int) -> Iterator[Result]:
    """Search configurations, `jobs` at a time; return each result as it comes."""
    if jobs == 1:
        yield from map(search_named, names)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, context, max_tasks_per_child=1) as pool:
        for future in concurrent.futures.as_completed([pool.submit(search_named, name) for name in names]):
            yield future.result()
