"""A small loopback mail server with a sample mailbox: what `mailvault demo` syncs from."""
