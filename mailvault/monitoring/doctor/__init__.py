"""The report for a bug tracker: what is installed, configured, reachable and healthy.

Each part finds out what it can, whatever is wrong with the others.
"""
