"""Dovecot's configuration: one for 2.3, one for 2.4, which renamed nearly everything."""

_COMMON = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = mailvault-tests
protocols = imap pop3
listen = {host}
shutdown_clients = yes
default_internal_user = {owner}
default_internal_group = {group}
default_login_user = {owner}
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256{token_mechanisms}
auth_failure_delay = 0
auth_verbose = yes
mail_max_userip_connections = 1000
mail_fsync = never
ssl = yes
ssl_min_protocol = TLSv1.2
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  {keep_process}
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  {keep_process}
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 500
}}
"""

_2_3 = """\
default_vsz_limit = 0
disable_plaintext_auth = no
mail_location = maildir:~/Maildir:LAYOUT={layout}
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users/%u
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
protocol imap {{
  mail_plugins = zlib imap_zlib
  {imap_capability}
}}
protocol pop3 {{
  mail_plugins = zlib
}}
"""

_2_4 = """\
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = ~/Maildir
mailbox_list_layout = {layout}
mail_uid = {uid}
mail_gid = {gid}
mail_home = {folder}/home/%{{user}}
ssl_server_cert_file = {folder}/server.pem
ssl_server_key_file = {folder}/server.key
mail_plugins {{
  mail_compress = yes
}}
passdb passwd-file {{
  passwd_file_path = {folder}/users/%{{user}}
  default_password_scheme = PLAIN
}}
userdb static {{
}}
protocol imap {{
  {imap_capability}
}}
"""

_TOKENS_2_3 = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
"""

_TOKENS_2_4 = """\
passdb oauth2 {{
  mechanisms_filter = xoauth2 oauthbearer
}}
oauth2 {{
  introspection_mode = post
  introspection_url = {introspection_url}
  username_attribute = sub
  active_attribute = active
  active_value = true
  scope = imap
}}
"""

# The file that `args` of 2.3 names.
TOKEN_CHECK = """\
introspection_url = {introspection_url}
introspection_mode = post
username_attribute = sub
active_attribute = active
active_value = true
scope = imap
timeout_msecs = 5000
"""

# What a server of twenty years ago announces: no CONDSTORE, QRESYNC, COMPRESS, extended LIST.
_PLAIN = "IMAP4rev1 SASL-IR LITERAL+ ID IDLE NAMESPACE UIDPLUS UNSELECT CHILDREN"


def configuration(
    version: str, *, is_plain: bool, introspection_url: str | None, **values: object
) -> str:
    """Give the text of dovecot.conf. ``is_plain`` withholds every newer capability.

    Tokens are checked at the ``introspection_url``.
    """
    capability = f"imap_capability = {_PLAIN}" if is_plain else ""
    is_2_3 = version.startswith("2.3.")
    if is_2_3:
        text, keep_process = _COMMON + _2_3, "service_count = 0"
    else:
        number = ".".join(version.split(".")[:2])
        first = "".join(
            f"dovecot_{kind}_version = {number}.0\n" for kind in ("config", "storage")
        )
        text, keep_process = first + _COMMON + _2_4, "service_restart_request_count = unlimited"
    token_mechanisms = ""
    if introspection_url is not None:
        text += _TOKENS_2_3 if is_2_3 else _TOKENS_2_4
        token_mechanisms = " xoauth2 oauthbearer"
    return text.format(
        imap_capability=capability,
        keep_process=keep_process,
        token_mechanisms=token_mechanisms,
        introspection_url=introspection_url,
        **values,
    )
