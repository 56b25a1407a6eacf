"""POP3 without I/O (RFC 1939, 2449, 2595, 5034, 6856): bytes in, values out.

`connection` is the engine, `commands` what may be said, `listings` what answers mean.
"""
