"""What a server means when it will not take a message. Pure."""

import re

from mailvault.mail.delivery import Denial
from mailvault.transport.imap_append import Answer

_TOO_LARGE = re.compile(
    r"too (?:big|large|long)|exceeds? .*(?:size|limit)|maximum (?:message )?size", re.IGNORECASE
)
_NO_ROOM = re.compile(
    r"\bquota\b|mailbox (?:is )?full|not enough (?:disk )?space", re.IGNORECASE
)
_OF_OUR_HASTE = re.compile(r"bandwidth|throttl|too many|rate limit", re.IGNORECASE)

_BY_CODE = {
    "TOOBIG": Denial.TOO_LARGE,  # RFC 4469
    "OVERQUOTA": Denial.NO_ROOM,  # RFC 5530, RFC 9208
    "TRYCREATE": Denial.NO_MAILBOX,  # RFC 9051 6.3.12
    "NONEXISTENT": Denial.NO_MAILBOX,
    "UNAVAILABLE": Denial.NOT_NOW,
    "INUSE": Denial.NOT_NOW,
    "THROTTLED": Denial.NOT_NOW,
}


def denial_of(answer: Answer) -> Denial:
    """Why an APPEND was refused: by its code, else by its words."""
    if answer.retry_after is not None or _OF_OUR_HASTE.search(answer.said):
        return Denial.NOT_NOW
    if _TOO_LARGE.search(answer.said):
        return Denial.TOO_LARGE
    if (denial := _BY_CODE.get(answer.code)) is not None:
        return denial
    return Denial.NO_ROOM if _NO_ROOM.search(answer.said) else Denial.OTHER
