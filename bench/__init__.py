"""Measures mailvault against other programs and the bare wire: docs/benchmarks.md."""

from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
"""The checkout: programs are started here, so that they measure what stands in it."""
