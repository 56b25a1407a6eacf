"""IMAP without a network: octets in, values out.

`connection` is the way in; `types` holds the values it yields, `commands` what it sends.
Nothing here opens, reads or waits.
"""
