"""Content stores: where the octets of messages live."""
