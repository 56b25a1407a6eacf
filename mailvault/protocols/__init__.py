"""Sans-io protocol engines: bytes in, values out. No sockets, no clocks, no files."""
