"""The table and the settings say the same."""

from __future__ import annotations

from cosmovisor.config import table
from cosmovisor.config.settings import Settings
from cosmovisor.model.value import fields


def test_every_variable_is_a_field_of_the_settings_and_the_reverse():
    assert {variable.key for variable in table.VARIABLES} == set(fields(Settings))


def test_no_variable_stands_twice():
    assert len(table.BY_NAME) == len(table.BY_KEY) == len(table.VARIABLES)


def test_every_variable_says_what_it_does_and_shows_an_example():
    for variable in table.VARIABLES:
        assert variable.help.endswith("."), variable.name
        assert variable.example, variable.name


def test_the_words_of_a_word_include_its_default_and_example():
    for variable in table.VARIABLES:
        if variable.kind == table.WORD:
            assert {variable.default, variable.example} <= set(variable.choices), variable.name
        else:
            assert not variable.choices, variable.name


def test_the_order_is_the_go_tools():
    ours = [variable.ours for variable in table.VARIABLES]
    assert ours == sorted(ours)
    assert [variable.key for variable in table.VARIABLES][:2] == ["daemon_home", "daemon_name"]
