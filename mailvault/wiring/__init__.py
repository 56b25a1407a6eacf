"""The only place that picks concrete classes from a configuration.

Everything heavy is imported inside the functions: `mailvault --help` must not wait for it.
"""

from mailvault.clock import SystemClock as SystemClock
from mailvault.wiring.accounts import connector as connector
from mailvault.wiring.accounts import endpoint as endpoint
from mailvault.wiring.accounts import pop3_connector as pop3_connector
from mailvault.wiring.accounts import reach as reach
from mailvault.wiring.accounts import refuse_unsupported as refuse_unsupported
from mailvault.wiring.accounts import source_factory as source_factory
from mailvault.wiring.accounts import sync_account as sync_account
from mailvault.wiring.accounts import target_factory as target_factory
from mailvault.wiring.accounts import upload_allowance as upload_allowance
from mailvault.wiring.archives import convert as convert
from mailvault.wiring.archives import copy as copy
from mailvault.wiring.archives import create_archive as create_archive
from mailvault.wiring.archives import local_zone as local_zone
from mailvault.wiring.archives import open_archive as open_archive
from mailvault.wiring.archives import overdue_accounts as overdue_accounts
from mailvault.wiring.archives import plan_repair as plan_repair
from mailvault.wiring.archives import rebuild as rebuild
from mailvault.wiring.archives import repair as repair
from mailvault.wiring.archives import store_of as store_of
from mailvault.wiring.archives import take_lease as take_lease
from mailvault.wiring.files import ExportForm as ExportForm
from mailvault.wiring.files import ImportForm as ImportForm
from mailvault.wiring.files import drill as drill
from mailvault.wiring.files import import_source as import_source
from mailvault.wiring.files import open_destination as open_destination
from mailvault.wiring.files import rejects_folder as rejects_folder
from mailvault.wiring.servers import check_account as check_account
from mailvault.wiring.servers import discover as discover
from mailvault.wiring.servers import end_pause as end_pause
from mailvault.wiring.servers import note_upload as note_upload
from mailvault.wiring.servers import preview as preview
from mailvault.wiring.servers import remote_mailboxes as remote_mailboxes
from mailvault.wiring.servers import sync as sync
from mailvault.wiring.servers import sync_together as sync_together
from mailvault.wiring.servers import verify_remote as verify_remote
