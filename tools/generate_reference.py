"""Writes docs/en/reference.md and docs/zh/reference.md from the tables in the code.

Run it after a change to a setting or a command: `.venv/bin/python tools/generate_reference.py`.
"""

from __future__ import annotations

import copy
import importlib
import pathlib
import sys

import click

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools import reference_zh as zh  # noqa: E402

from cosmovisor.cli.catalog import COMMANDS  # noqa: E402
from cosmovisor.cli.common import CONTEXT  # noqa: E402
from cosmovisor.config import table, values  # noqa: E402
from cosmovisor.config.time_words import GO_LAYOUTS  # noqa: E402

_WIDTH = 90

TEXTS = {
    "en": {
        "title": "Reference",
        "note": "Generated from the code: `.venv/bin/python tools/generate_reference.py`.",
        "variables": "Settings",
        "about": "The environment wins over `config.toml`, that wins over the default. In the file each name is in\n"
        "lower case; durations may be integer nanoseconds there. An empty variable counts as not set.",
        "ours": "Settings that the Go tool does not have",
        "columns": ("Name", "Values", "Default", "Since", "Meaning"),
        "times": "Time formats",
        "time_columns": ("Word", "As Go writes it"),
        "commands": "Commands",
        "status": "Exit statuses",
        "statuses": (
            ("Status", "Meaning"),
            ("the node's own", "`run`: the node has ended by itself; 128+n for signal n"),
            ("0", "done"),
            ("1", "failed; the error says why and what to do"),
            ("64", "wrong usage of the command line"),
            ("75", "no usable binary within `COSMOVISOR_HOLD_LIMIT`"),
            ("78", "wrong configuration; all problems are listed"),
        ),
    },
    "zh": {
        "title": "参考",
        "note": "由代码生成：`.venv/bin/python tools/generate_reference.py`。",
        "variables": "设置",
        "about": "环境变量优先于 `config.toml`，后者优先于默认值。文件中的名称为小写；时长在文件中可以是整数纳秒。\n"
        "空的变量视为未设置。",
        "ours": "Go 版没有的设置",
        "columns": ("名称", "取值", "默认值", "始于", "含义"),
        "times": "时间格式",
        "time_columns": ("词", "Go 的写法"),
        "commands": "命令",
        "status": "退出状态",
        "statuses": (
            ("状态", "含义"),
            ("节点自己的", "`run`：节点自行结束；信号 n 为 128+n"),
            ("0", "完成"),
            ("1", "失败；错误信息说明原因和下一步"),
            ("64", "命令行用法错误"),
            ("75", "`COSMOVISOR_HOLD_LIMIT` 之内没有可用的程序"),
            ("78", "配置错误；列出所有问题"),
        ),
    },
}


def reference(language: str) -> str:
    """Return the page in one language."""
    texts = TEXTS[language]
    go = [variable for variable in table.VARIABLES if not variable.ours]
    ours = [variable for variable in table.VARIABLES if variable.ours]
    parts = [f"# {texts['title']}", texts["note"], f"## {texts['variables']}", texts["about"]]
    parts += [variables(go, language), f"### {texts['ours']}", variables(ours, language)]
    rows = [(f"`{word}`", f"`{layout}`") for word, layout in GO_LAYOUTS.items()]
    parts += [f"### {texts['times']}", grid([texts["time_columns"], *rows])]
    parts.append(f"## {texts['commands']}")
    for name in COMMANDS:
        parts += command(name, language)
    parts += [f"## {texts['status']}", grid(list(texts["statuses"]))]
    return "\n\n".join(parts) + "\n"


def variables(rows: list[table.Variable], language: str) -> str:
    """Return the table of some settings."""
    found = [TEXTS[language]["columns"]]
    for row in rows:
        default = f"`{row.default}`" if row.default else "–"
        meaning = row.help if language == "en" else zh.VARIABLES[row.name]
        found.append((f"`{row.name}`", kind(row, language), default, row.since, meaning))
    if rows[0].ours:
        found = [(*line[:3], line[4]) for line in found]
    return grid(found)


def kind(row: table.Variable, language: str) -> str:
    """Say what a setting may hold."""
    if row.kind == table.WORD:
        return ", ".join(f"`{choice}`" for choice in row.choices)
    if language == "zh":
        return zh.KINDS[row.kind]
    return "see the time formats" if row.kind == table.TIME_FORMAT else values.expected(row)


def command(name: str, language: str) -> list[str]:
    """Return heading, purpose and help of one command."""
    entry = COMMANDS[name]
    found = importlib.import_module(entry.module).COMMAND
    root = click.Context(click.Group("cosmovisor"), info_name="cosmovisor", **CONTEXT)
    purpose = entry.summary if language == "en" else zh.COMMANDS.get(name, entry.summary)
    parts = [f"### {name}", purpose]
    texts = [helped(found, root, name)]
    if isinstance(found, click.Group):
        inner = click.Context(found, info_name=name, parent=root)
        texts += [helped(found.commands[sub], inner, sub) for sub in sorted(found.commands)]
    return [*parts, *[f"```text\n{text}\n```" for text in texts]]


def helped(found: click.Command, parent: click.Context, name: str) -> str:
    """Return what `--help` prints, in a fixed width."""
    # The library keeps the help option of a command's first use, whoever its parent was then.
    found = copy.copy(found)
    found._help_option = None
    settings = found.context_settings | {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = click.Context(found, info_name=name, parent=parent, **settings)
    return "\n".join(line.rstrip() for line in found.get_help(context).split("\n")).strip()


def grid(rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, f"|{'---|' * len(rows[0])}")
    return "\n".join(lines)


def main() -> None:
    """Write both pages."""
    for language in TEXTS:
        (ROOT / "docs" / language / "reference.md").write_text(reference(language), encoding="utf-8")


if __name__ == "__main__":
    main()
