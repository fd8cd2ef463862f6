"""The two releases of a real Cosmos SDK daemon that one governance upgrade leads between."""

from __future__ import annotations

from tools.go_build import Recipe

DAEMON = "wasmd"
PLAN_NAME = "v0.60"
SDK_VERSION = "github.com/cosmos/cosmos-sdk/version"

# One line of the daemon's own start-up turns the SDK's optimistic execution on. It then writes the plan
# file before block H is decided, as the chains do that ship with it.
OPTIMISTIC = (
    (
        "baseappOptions := server.DefaultBaseappOptions(appOpts)",
        "baseappOptions := append(server.DefaultBaseappOptions(appOpts), baseapp.SetOptimisticExecution())",
    ),
    (
        '"github.com/cosmos/cosmos-sdk/client/debug"',
        '"github.com/cosmos/cosmos-sdk/baseapp"\n\t"github.com/cosmos/cosmos-sdk/client/debug"',
    ),
)


def wasmd(version: str, wasmvm: str, *, optimistic: bool = False, stamp: str = "") -> Recipe:
    """Return the recipe of one release.

    Args:
        version: Release of wasmd, without `v`.
        wasmvm: Module of the virtual machine it uses; its shared library must travel beside the executable.
        optimistic: Whether the executable runs blocks optimistically.
        stamp: Version text that it says of itself; empty for that of the release.
    """
    texts = {"Name": "wasm", "AppName": DAEMON, "Version": stamp or version}
    stamps = " ".join(f"-X {SDK_VERSION}.{key}={text}" for key, text in texts.items())
    return Recipe(
        name=DAEMON,
        module="github.com/CosmWasm/wasmd",
        version=f"v{version}",
        package="cmd/wasmd",
        tags="netgo",
        ldflags=f"-checklinkname=0 -s -w {stamps}",
        libraries=((wasmvm, "internal/api/libwasmvm.x86_64.so"),),
        patches=OPTIMISTIC if optimistic else (),
    )


def version_text(recipe: Recipe) -> str:
    """Return what an executable says to be."""
    return recipe.ldflags.rpartition(f"{SDK_VERSION}.Version=")[2]


OLD = wasmd("0.55.1", "github.com/CosmWasm/wasmvm/v2")
NEW = wasmd("0.60.8", "github.com/CosmWasm/wasmvm/v2")
OLD_OPTIMISTIC = wasmd("0.55.1", "github.com/CosmWasm/wasmvm/v2", optimistic=True)
# A release with the same state machine: what operators schedule by height, without governance.
PATCH = wasmd("0.55.1", "github.com/CosmWasm/wasmvm/v2", stamp="0.55.2")
