"""The configuration file: its model, its loader and where secrets come from."""
