"""Usage metering that one person can run: metrics, events and usage in one SQLite file."""

__version__ = "0.1.0"
