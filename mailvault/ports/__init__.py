"""The seams of mailvault: what a source, a destination, a content store and a clock must do.

Read this room first. Operations know only these protocols and the archive; `wiring` picks
the classes behind them. Every implementation passes the suite of its seam in
`tests/contract`, the fakes too.
"""

from mailvault.ports.abilities import Comparison as Comparison
from mailvault.ports.abilities import Deleting as Deleting
from mailvault.ports.abilities import Inspecting as Inspecting
from mailvault.ports.abilities import Listed as Listed
from mailvault.ports.abilities import Proven as Proven
from mailvault.ports.abilities import Refetching as Refetching
from mailvault.ports.abilities import Reread as Reread
from mailvault.ports.abilities import Sought as Sought
from mailvault.ports.clock import Clock as Clock
from mailvault.ports.destinations import Destination as Destination
from mailvault.ports.destinations import RemoteDestination as RemoteDestination
from mailvault.ports.destinations import Resumable as Resumable
from mailvault.ports.sources import Fingerprint as Fingerprint
from mailvault.ports.sources import Kept as Kept
from mailvault.ports.sources import Known as Known
from mailvault.ports.sources import Lying as Lying
from mailvault.ports.sources import Same as Same
from mailvault.ports.sources import Sharing as Sharing
from mailvault.ports.sources import Source as Source
from mailvault.ports.stores import ContentStore as ContentStore
from mailvault.ports.stores import Finding as Finding
from mailvault.ports.stores import Prepared as Prepared
from mailvault.ports.stores import Reclaiming as Reclaiming
from mailvault.ports.stores import Salvaging as Salvaging
from mailvault.ports.stores import Waste as Waste
