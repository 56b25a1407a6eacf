"""mailvault: point-in-time, deduplicated, verified copies of any mailbox."""

__version__ = "0.1.0"
