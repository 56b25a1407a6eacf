"""The only blocking network code: streams, TLS, deadlines, logins and the clients on top."""
