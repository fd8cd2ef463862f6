"""The settings in force; the table in `config.table` says what each means."""

from __future__ import annotations

from cosmovisor.model.value import value

_MINUTE = 60.0


@value
class Settings:
    """What the operator has asked for; durations in seconds, sizes in bytes.

    The defaults here serve tests and tools; `config.load` fills every field from the table, and a test
    holds the two together.
    """

    daemon_home: str
    daemon_name: str
    daemon_allow_download_binaries: bool = False
    daemon_download_must_have_checksum: bool = False
    daemon_restart_after_upgrade: bool = True
    daemon_restart_delay: float = 0.0
    #: 0 where it is not set: then ten seconds count at a proven halt.
    daemon_shutdown_grace: float = 0.0
    daemon_poll_interval: float = 0.3
    unsafe_skip_backup: bool = False
    #: `config.load` puts `daemon_home` here where it is not set.
    daemon_data_backup_dir: str = ""
    daemon_preupgrade_max_retries: int = 0
    daemon_grpc_address: str = "localhost:9090"
    cosmovisor_disable_logs: bool = False
    cosmovisor_color_logs: bool = True
    #: A word of `config.time_words`, or empty for no time.
    cosmovisor_timeformat_logs: str = "kitchen"
    cosmovisor_custom_preupgrade: str = ""
    cosmovisor_disable_recase: bool = False
    cosmovisor_orphan: str = "stop"
    cosmovisor_trust: str = "warn"
    #: `config.load` puts `off` here where `unsafe_skip_backup` is true.
    cosmovisor_backup: str = "require"
    cosmovisor_backup_keep: int = 0
    cosmovisor_scout: str = "on"
    cosmovisor_on_missing_binary: str = "hold"
    cosmovisor_hold_limit: float = 10 * _MINUTE
    cosmovisor_log_stream: str = "stderr"
    cosmovisor_sign_gate: str = "refuse"
    cosmovisor_same_key: str = "refuse"
    cosmovisor_preupgrade_timeout: float = 30 * _MINUTE
    cosmovisor_restart: str = "off"
    cosmovisor_extra_rpc: tuple[str, ...] = ()
    cosmovisor_mirrors: tuple[str, ...] = ()
    cosmovisor_staging_keep: int = 1
    cosmovisor_download_limit: int = 2 * 1024**3
    cosmovisor_download_timeout: float = 30 * _MINUTE

    @property
    def recase(self) -> bool:
        """True where plan names are lower-cased for folders."""
        return not self.cosmovisor_disable_recase
