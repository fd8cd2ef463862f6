"""The operator's own word on sources: the `[sources]` table of config.toml.

```toml
[sources]
folder = "/srv/binaries"            # looked into before any URL
registry = "/srv/chain-registry/evmos"   # a folder, chain.json, versions.json, or an https URL of one

[sources."v2"]                      # name of a plan
url = "https://mirror.example.com/evmosd-v2.tar.gz"   # or a path; instead of what the plan says
sha256 = "…"                        # of the file as downloaded
binary_sha256 = "…"                 # of the program itself, also when it is placed by hand
checksums = "https://…/SHA256SUMS"  # a checksum list
minisign_key = "RW…"                # the publisher's public key
minisign_signature = "https://…"    # <url>.minisig where it is not given
```
"""

from __future__ import annotations

import os

from cosmovisor.config.file import FileError, read
from cosmovisor.model.errors import ConfigurationError
from cosmovisor.model.value import value
from cosmovisor.staging.address import SourceError, digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.config.layout import Layout

_KEYS = ("url", "sha256", "binary_sha256", "checksums", "minisign_key", "minisign_signature")


@value
class Override:
    """What the operator says about one plan; each field empty where nothing is said."""

    url: str = ""
    sha256: str = ""
    binary_sha256: str = ""
    checksums: str = ""
    minisign_key: str = ""
    minisign_signature: str = ""


@value
class Overrides:
    """The whole table.

    Attributes:
        folder: A local folder with binaries.
        registry: A chain-registry folder, file or URL.
        plans: By name of the plan.
    """

    folder: str
    registry: str
    plans: dict[str, Override]

    def of(self, name: str) -> Override:
        """What is said about a plan; names in other case are the same plan where none fits exactly."""
        if name in self.plans:
            return self.plans[name]
        alike = [item for key, item in self.plans.items() if key.lower() == name.lower()]
        return alike[0] if len(alike) == 1 else Override()


NONE = Overrides("", "", {})


def load(layout: Layout, config_file: str | None = None) -> Overrides:
    """Read the table.

    Args:
        layout: The folder tree, for the file's usual place.
        config_file: A file that the operator has named.

    Raises:
        ConfigurationError: The table is there and wrong: a pin that cannot be read must not be passed over.
    """
    path = config_file or layout.config_file
    if not config_file and not os.path.exists(path):
        return NONE
    try:
        table = read(path).get("sources")
    except FileError as error:
        raise ConfigurationError(str(error), "Correct the file.") from None
    if table is None:
        return NONE
    if not isinstance(table, dict):
        raise _wrong(path, "sources", "a table")
    plans = {}
    texts = {"folder": "", "registry": ""}
    for key, item in table.items():
        if isinstance(item, dict):
            plans[key] = _override(path, key, item)
        elif key in texts and isinstance(item, str):
            texts[key] = item
        else:
            raise _wrong(path, f"sources.{key}", "folder, registry, or a table for a plan")
    if texts["folder"] and not os.path.isabs(texts["folder"]):
        raise _wrong(path, "sources.folder", "an absolute path")
    return Overrides(texts["folder"], texts["registry"], plans)


def _override(path: str, plan: str, items: dict[str, object]) -> Override:
    found: dict[str, str] = {}
    for key, item in items.items():
        if key not in _KEYS:
            raise _wrong(path, f"sources.{plan}.{key}", f"one of {', '.join(_KEYS)}")
        if not isinstance(item, str):
            raise _wrong(path, f"sources.{plan}.{key}", "a text")
        found[key] = item.strip()
    for key in ("sha256", "binary_sha256"):
        if found.get(key):
            try:
                digest = digest_of(found[key])
            except SourceError as error:
                raise _wrong(
                    path, f"sources.{plan}.{key}", f"64 hexadecimal digits ({error.cause})"
                ) from None
            if digest.kind != "sha256":
                raise _wrong(path, f"sources.{plan}.{key}", "64 hexadecimal digits")
            found[key] = digest.hex
    return Override(**found)


def _wrong(path: str, key: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{path}: {key} must be {expected}", "Correct the table [sources].")
