"""Where mail is written to: files today, servers later."""
