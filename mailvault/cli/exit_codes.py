"""The exit codes of the contract, as help and ``log`` word them."""

EXIT_CODES = {
    0: "done",
    1: "unexpected error (a bug)",
    2: "usage or configuration",
    3: "done, but something is owed or suspicious",
    4: "verify found damage",
    10: "network or server",
    11: "login refused",
    12: "TLS refused",
    20: "archive unusable",
    21: "no space",
    75: "archive in use by another process",
    130: "interrupted",
    143: "terminated",
}
BY_ANY_COMMAND = (0, 1, 2, 130, 143)
BY_SERVERS = (10, 11, 12)
BY_READING = (20,)
BY_WRITING = (20, 21, 75)


def epilog(exit_codes: tuple[int, ...]) -> str:
    """Word the exit codes of one command for the end of its help."""
    codes = sorted({*BY_ANY_COMMAND, *exit_codes})
    return "Exit codes: " + "; ".join(f"{code} {EXIT_CODES[code]}" for code in codes) + "."
