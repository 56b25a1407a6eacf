"""Dovecot that gives each user so much room and no more."""

from tests.servers.dovecot import DOVECOT, Dovecot
from tests.servers.process import run

_2_3 = """
protocol imap {{
  mail_plugins = zlib imap_zlib quota imap_quota
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage={room}K
}}
"""

_2_4 = """
mail_plugins {{
  quota = yes
}}
protocol imap {{
  mail_plugins {{
    imap_quota = yes
  }}
}}
quota "User quota" {{
  storage_size = {room}K
}}
"""


class QuotaDovecot(Dovecot):
    """``room`` is in KiB."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def _more_settings(self) -> str:
        is_2_3 = run([DOVECOT, "--version"]).startswith("2.3.")
        return (_2_3 if is_2_3 else _2_4).format(room=self._room)
