"""The Maildirs of the store `maildir`, as Dovecot serves them: links into content."""
