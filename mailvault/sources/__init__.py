"""Where mail is read from: each source turns a server or files into batches of changes."""
