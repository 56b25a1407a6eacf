"""Prometheus' text format, written and served by its own library, which is an extra."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from mailvault.errors import MailvaultError, UsageError
from mailvault.monitoring.metrics import (
    Family,
    families_of,
    families_of_daemon,
    families_of_program,
)
from mailvault.monitoring.overview import Overview
from mailvault.monitoring.tally import Tally

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

log = logging.getLogger(__name__)

ReadOverview = Callable[[], Overview]


class Exposition:
    """Implements prometheus_client's Collector: asks for an overview when somebody looks."""

    def __init__(self, read: ReadOverview, tally: Tally | None = None) -> None:
        self._read = read
        self._tally = tally
        self.error: MailvaultError | None = None

    def collect(self) -> "Iterator[Metric]":
        return iter([_metric(family) for family in self._families()])

    def text(self) -> bytes:
        """The page. What kept the archive from being read is `error` then."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry())

    def registry(self) -> "CollectorRegistry":
        from prometheus_client import CollectorRegistry

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return registry

    def describe(self) -> "Iterable[Metric]":
        return ()  # so that registering does not collect

    def _families(self) -> Iterator[Family]:
        self.error = None
        overview: Overview | None = None
        try:
            overview = self._read()
        except MailvaultError as error:
            log.warning("no metrics of the archive: %s", error)
            self.error = error
        yield from families_of_program(is_readable=overview is not None)
        if overview is not None:
            yield from families_of(overview)
        if self._tally is not None:
            yield from families_of_daemon(self._tally.count())


def require_library() -> None:
    """Raises UsageError where prometheus-client is not installed."""
    try:
        import prometheus_client  # noqa: F401 - whether it is there
    except ImportError as error:
        raise UsageError(
            "metrics need the library prometheus-client, which is not installed",
            hint="install mailvault-archive[metrics]",
        ) from error


def _metric(family: Family) -> "Metric":
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    kind = CounterMetricFamily if family.is_counter else GaugeMetricFamily
    metric = kind(family.name, family.meaning, labels=family.labels)
    for labels, value in family.samples:
        metric.add_metric(labels, value)
    return metric
