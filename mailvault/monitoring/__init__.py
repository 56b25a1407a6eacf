"""What the world outside may see of an archive: how it stands, in values, JSON and metrics."""
