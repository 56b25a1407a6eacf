"""Alarms: what is wrong, whether anybody knows it yet, and how they are told."""
