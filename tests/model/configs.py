"""The configurations that are searched; each adds to the plain upgrade something that once went wrong somewhere."""

from __future__ import annotations

from tests.model.chain import Config

_BLIND = "without any height nothing can be decided: `doctor` warns of such a set-up"
_FAST = "a schedule in the plan file whose height comes before anybody has looked: give two blocks' notice"
_SILENT = "a chain that cannot write its file and answers nobody: nothing tells that it stands at its height"
_AT_LEAST = (
    "an older copy whose exact height nobody tells cannot be told from newer data: read the block store"
)
_LOST = (
    "a schedule that lies in the plan file and a lost document: the file cannot be told from a snapshot's, and a marker "
    "above whose height the data stands does not tell whether pre-upgrade was cut"
)
_LOADS = (
    "a program that is started too early, loads for more than two minutes and refuses, while nobody tells the "
    "height, is not taken back: it cannot be told from a long migration that failed"
)

_ALL = [
    Config("gov"),
    Config("gov-late", late=True),
    Config("gov-silent", rpc="no"),
    Config("gov-silent-weak", rpc="no", wal="weak"),
    Config("gov-blind", rpc="no", wal="no"),
    Config("gov-some", rpc="some", crashes=0),
    Config("gov-late-silent", late=True, rpc="no"),
    Config("gov-slow", slow=True, crashes=0),
    Config("gov-two", second=True, top=7, crashes=0),
    Config("gov-two-crash", second=True, top=7),
    Config("gov-lost", lose=True),
    Config("optimistic", mode="optimistic"),
    Config("optimistic-silent", mode="optimistic", rpc="no"),
    Config("sync", mode="sync"),
    Config("sync-silent", mode="sync", rpc="no"),
    Config("sync-store", mode="sync", rpc="no", store=True),
    Config("sync-late", mode="sync", late=True),
    Config("sync-late-silent", mode="sync", late=True, rpc="no"),
    Config("sync-two", mode="sync", second=True, top=7, crashes=0),
    Config("sync-two-silent", mode="sync", second=True, top=7, rpc="no"),
    Config("ahead", ahead=2),
    Config("ahead-silent", ahead=2, rpc="no"),
    Config("ahead-some", ahead=2, rpc="some", crashes=0),
    Config("ahead-blind", ahead=2, rpc="no", wal="no", open=("stopped early",), residue=_BLIND),
    Config("ahead-hang", ahead=2, early="hang"),
    Config("ahead-hang-silent", ahead=2, early="hang", rpc="no", residue=_BLIND),
    Config("ahead-sync-silent", ahead=2, mode="sync", rpc="no"),
    Config("ahead-slow", ahead=2, slow=True, crashes=0),
    Config("close", ahead=3),
    Config("patch", ahead=2, patch=True, early="hang", top=6, crashes=0),
    Config("patch-crash", ahead=2, patch=True, early="hang", top=6),
    Config("patch-silent", ahead=2, patch=True, early="hang", rpc="no", top=6),
    Config(
        "patch-sync",
        ahead=2,
        patch=True,
        early="hang",
        mode="sync",
        top=6,
        open=("early, as proven", "stopped early"),
        residue=_FAST,
    ),
    Config(
        "patch-lost",
        ahead=2,
        patch=True,
        early="hang",
        lose=True,
        top=6,
        open=("without pre-upgrade",),
        residue=_LOST,
    ),
    Config("old", restore="other", restore_to=2, store=True),
    Config("old-silent", restore="other", restore_to=2, rpc="no", store=True),
    Config("old-weak", restore="other", restore_to=2, residue=_AT_LEAST),
    Config("old-blind", restore="other", restore_to=2, rpc="no", wal="no", residue=_BLIND),
    Config("old-rsync", restore="rsync", restore_to=2, residue=_AT_LEAST),
    Config("old-rsync-store", restore="rsync", restore_to=2, rpc="no", store=True),
    Config("old-two", restore="other", restore_to=2, second=True, top=7, store=True),
    Config("old-halt", restore="other", restore_to=3, store=True),
    Config("old-file", restore="other", restore_to=2, with_file=True, store=True),
    Config("stale-cancelled", restore="other", restore_to=2, with_file=True, cancelled=True),
    Config("stale-cancelled-silent", restore="other", restore_to=2, with_file=True, cancelled=True, rpc="no"),
    Config("stale-cancelled-slow", restore="other", restore_to=2, with_file=True, cancelled=True, slow=True),
    Config("skip", skip=True),
    Config("skip-silent", skip=True, rpc="no"),
    Config("torn", torn=True),
    Config("torn-known", torn=True, known=True),
    Config("torn-sync", torn=True, mode="sync"),
    Config("nofile", nofile=True, known=True),
    Config("known-cancelled", known=True, cancelled=True, store=True),
    Config("nofile-silent", nofile=True, known=True, rpc="no", store=True, residue=_SILENT),
    Config("hang", early="hang"),
    Config("gov-loads", loads=True),
    Config("nofile-loads", nofile=True, known=True, loads=True),
    Config("ahead-loads", ahead=2, loads=True, residue=_LOADS),
    Config("gov-crash-twice", crashes=2),
    Config("gov-silent-crash-twice", crashes=2, rpc="no"),
    Config("sync-silent-crash-twice", mode="sync", crashes=2, rpc="no"),
    Config("optimistic-crash-twice", mode="optimistic", rpc="no", crashes=2),
    Config("ahead-crash-twice", ahead=2, crashes=2, rpc="no"),
    Config("hang-crash-twice", early="hang", rpc="no", ahead=3, crashes=2),
    Config("old-crash-twice", restore="other", restore_to=2, store=True, rpc="no", crashes=2),
    Config("torn-crash-twice", torn=True, rpc="no", crashes=2),
    Config("nofile-crash-twice", nofile=True, known=True, crashes=2),
    Config("blind-crash-twice", rpc="no", wal="no", crashes=2),
    Config("gov-fails", fails=1, crashes=0),
    Config("gov-fails-twice", fails=2, crashes=0),
    Config("gov-fails-crash", fails=1),
    Config("gov-fetch-fails", fails=1, fetch=True),
    Config("sync-fails", mode="sync", fails=1),
    Config("old-fails", restore="other", restore_to=2, store=True, fails=1, crashes=0),
    Config("gov-apart", apart=True),
    Config("old-apart", restore="other", restore_to=2, store=True, apart=True),
    Config("ahead-hang-apart", ahead=2, early="hang", apart=True),
    Config("gov-stale", rpc="stale"),
    Config("sync-stale", mode="sync", rpc="stale"),
    Config("ahead-stale", ahead=2, rpc="stale", crashes=0),
    Config("ahead-stale-crash", ahead=2, rpc="stale"),
    Config("schedule", ahead=2, schedule="plain", early="hang", top=6),
    Config("schedule-silent", ahead=2, schedule="plain", early="hang", top=6, rpc="no"),
    Config("schedule-exact", ahead=2, schedule="exact", early="hang", top=6),
    Config("schedule-before", ahead=2, schedule="before", early="hang", top=6),
    Config("schedule-frozen", ahead=2, schedule="frozen", early="hang", top=6),
]

CONFIGS = {config.name: config for config in _ALL}
