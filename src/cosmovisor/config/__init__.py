"""Environment and config.toml become one frozen Settings value; path arithmetic."""
