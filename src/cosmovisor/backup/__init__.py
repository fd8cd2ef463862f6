"""Backups of a stopped node's data, and the way back."""

from cosmovisor.backup.forecasting import Forecast, forecast
from cosmovisor.backup.restoring import Restored, restore
from cosmovisor.backup.taking import precopy, take

__all__ = ["Forecast", "Restored", "forecast", "precopy", "restore", "take"]
