"""Paths are the Go tool's paths."""

from __future__ import annotations

import pytest

from cosmovisor.config.folders import escaped, recased, unescaped
from cosmovisor.config.layout import Layout, data, flag, node_home, plan_file
from cosmovisor.config.settings import Settings
from cosmovisor.model.plan import GENESIS_VERSION, Version

LAYOUT = Layout("/foo", "myd")


def test_simple_paths():
    assert LAYOUT.root == "/foo/cosmovisor"
    assert LAYOUT.bin(GENESIS_VERSION) == "/foo/cosmovisor/genesis/bin/myd"
    assert LAYOUT.bin(LAYOUT.version_for("bar", recase=True)) == "/foo/cosmovisor/upgrades/bar/bin/myd"


def test_a_trailing_slash_of_home_is_harmless_and_blanks_are_escaped():
    layout = Layout("/longer/prefix/", "yourd")
    assert layout.root == "/longer/prefix/cosmovisor"
    version = layout.version_for("some spaces", recase=True)
    assert layout.bin(version) == "/longer/prefix/cosmovisor/upgrades/some%20spaces/bin/yourd"


def test_letter_case_is_kept_only_where_recase_is_off():
    assert LAYOUT.version_for("myUpgrade", recase=False).folder == "upgrades/myUpgrade"
    assert LAYOUT.version_for("myUpgrade", recase=True).folder == "upgrades/myupgrade"


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("some spaces", "some%20spaces"),
        ("a/b", "a%2Fb"),
        ("ü", "%C3%BC"),
        ("v1.2.3", "v1.2.3"),
        ("a:b@c", "a:b@c"),
        ("x+y=z&w$", "x+y=z&w$"),
        ("~_-", "~_-"),
        ("a%b", "a%25b"),
        ("a?b#c", "a%3Fb%23c"),
        ("(a)!*'", "%28a%29%21%2A%27"),
        ("a,b;c", "a%2Cb%3Bc"),
        ("line\nbreak\0", "line%0Abreak%00"),
    ],
)
def test_names_are_escaped_as_go_does_it(name, folder):
    assert escaped(name) == folder
    assert unescaped(folder) == name


def test_a_folder_with_a_stray_percent_sign_stands_for_itself():
    assert unescaped("50%") == "50%"
    assert unescaped("a%zzb%4") == "a%zzb%4"


@pytest.mark.parametrize(
    ("name", "lower"), [("İ", "i"), ("ΟΔΟΣ", "οδοσ"), ("V2-Beta", "v2-beta"), ("ẞ", "ß")]
)
def test_names_are_lower_cased_code_point_by_code_point(name, lower):
    assert recased(name) == lower


@pytest.mark.parametrize(
    ("target", "version"),
    [
        ("genesis", GENESIS_VERSION),
        ("/foo/cosmovisor/genesis", GENESIS_VERSION),
        ("upgrades/v2%20x", Version("v2 x", "upgrades/v2%20x")),
        ("/foo/cosmovisor/upgrades/v2/", Version("v2", "upgrades/v2")),
        ("/elsewhere/v2", None),
        ("upgrades", None),
        ("upgrades/v2/bin", None),
        ("..", None),
    ],
)
def test_a_link_target_is_turned_into_a_version(target, version):
    assert LAYOUT.version_of(target) == version


@pytest.mark.parametrize(
    ("args", "environ", "home"),
    [
        (["start"], {}, "/foo"),
        (["start", "--home", "/a"], {"MY_D_HOME": "/b"}, "/a"),
        (["--home=/a", "start", "--home=/c"], {}, "/c"),
        (["start"], {"MY_D_HOME": "/b"}, "/b"),
        (["start", "--", "--home", "/a"], {}, "/foo"),
        (["start", "--home"], {}, "/foo"),
        (["start", "--home", "/a/../b"], {}, "/b"),
    ],
)
def test_the_node_s_own_home_decides_for_data(args, environ, home):
    settings = Settings(daemon_home="/foo", daemon_name="my-d")
    assert node_home(args, environ, settings) == home


def test_data_and_plan_file_lie_in_the_node_s_home():
    assert data("/h") == "/h/data"
    assert plan_file("/h") == "/h/data/upgrade-info.json"


def test_a_flag_without_a_value_is_not_there():
    assert flag(["start", "--x"], "x") is None
    assert flag(["--x="], "x") == ""
