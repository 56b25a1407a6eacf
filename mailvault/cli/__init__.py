"""The command line: parse, wire, call one operation, render."""
