"""The upgrade night, played through beforehand."""
