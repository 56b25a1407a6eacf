"""Who hears of what the daemon and `run --due` do: the place where alarms are attached."""

from mailvault.config.model import Configuration
from mailvault.daemon.bulletin import Bulletin
from mailvault.operations.ended import Publisher
from mailvault.wiring.telling import Teller


def listeners(configuration: Configuration, *, bulletin: Bulletin, teller: Teller) -> Publisher:
    """Everybody who wants to hear of events under this configuration."""
    bulletin.follow(configuration)
    return Publisher((bulletin, *teller.follow(configuration)))
