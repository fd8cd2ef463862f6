"""Backups of a stopped node's data, and the way back."""

from cosmovisor.backup.forecasting import Forecast, forecast
from cosmovisor.backup.taking import precopy, take

__all__ = ["Forecast", "forecast", "precopy", "take"]
