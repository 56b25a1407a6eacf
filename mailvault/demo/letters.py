"""Composing the sample's messages octet by octet, so that they never change with a library."""

import base64
import random
from dataclasses import dataclass
from datetime import datetime

CRLF = b"\r\n"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

SENTENCES = (
    "The beams for the north side arrive on {day}, so the scaffold has to stand before that.",
    "I counted {number} crates in the shed and {few} of them are already leaking.",
    "Could you look at the drawing again and tell me whether the arch is {number} centimetres?",
    "Nobody answered the phone at the nursery, I will try once more on {day}.",
    "The old pear tree by the gate has to be cut back, and better now than in {month}.",
    "We agreed on {number} euros, half of it now and the rest when the roof is closed.",
    "Please bring the keys and the blue folder, the one with the {few} signed pages.",
    "My train gets in at {hour}:{minute}, and I will walk from the station.",
    "There is still soup from yesterday, and {few} people have said they will stay for dinner.",
    "Das Angebot für die Brücke liegt bei, die Maße stehen auf Seite {few}.",
    "Wir treffen uns am Montag um {hour} Uhr vor dem Rathaus, bitte Gummistiefel mitbringen.",
    "Je t'envoie les photos de dimanche, la lumière était très belle vers {hour} heures.",
    "The river rose by {number} centimetres in a single night and the lower meadow is a lake.",
    "If the frost holds until {day} we can drive the lorry straight across the field.",
    "I have read your {few} points twice, and I agree with all of them except the last one.",
    "The insurance wants the invoice, the photographs and a list of what was in the cellar.",
    "Grafting went well this year: {number} of the scions have taken, which is a record.",
    "Remember that the library closes at {hour} on {day}, and the book is due.",
    "It would help to know how many people come, because the hall holds no more than {number}.",
    "The committee meets in {month}, and somebody should write down what is decided this time.",
    "I tried the recipe with {few} quinces instead, and it set much faster than with apples.",
    "Your parcel has been standing here since {day}, it is heavy and it smells of cheese.",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTH_NAMES = ("January", "March", "April", "June", "September", "October", "November")


@dataclass(frozen=True, slots=True)
class Attachment:
    file_name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message says, before it is written as octets."""

    sender: str
    recipient: str
    subject: str
    date: datetime
    message_id: str
    text: str
    html: str | None = None
    in_reply_to: str | None = None
    list_id: str | None = None
    attachments: tuple[Attachment, ...] = ()


def write_text(chance: random.Random, sentences: int) -> str:
    """Some paragraphs of plausible prose, folded like mail."""
    lines: list[str] = []
    line = ""
    for position in range(sentences):
        sentence = chance.choice(SENTENCES).format(
            day=chance.choice(DAYS),
            month=chance.choice(MONTH_NAMES),
            number=chance.randrange(11, 480),
            few=chance.randrange(2, 9),
            hour=chance.randrange(7, 21),
            minute=chance.randrange(10, 60),
        )
        for word in sentence.split():
            if len(line) + len(word) > 71:
                lines.append(line)
                line = ""
            line = f"{line} {word}" if line else word
        if position % 4 == 3:
            lines += [line, ""]
            line = ""
    return "\r\n".join([*lines, line]).rstrip() + "\r\n"


def quote_text(author: str, text: str) -> str:
    """The text as a reply quotes it."""
    quoted = "".join(f"> {line}\r\n" for line in text.split("\r\n")[:-1])
    return f"{author} wrote:\r\n{quoted}"


def compose(letter: Letter) -> bytes:
    """Write the message: RFC 5322, and RFC 2045 where it has parts."""
    body_header, body = _body(letter)
    header = [
        f"Return-Path: <{letter.sender.partition('<')[2].rstrip('>')}>",
        f"Date: {_date(letter.date)}",
        f"From: {_phrase(letter.sender)}",
        f"To: {_phrase(letter.recipient)}",
        f"Subject: {_encoded(letter.subject)}",
        f"Message-ID: {letter.message_id}",
    ]
    if letter.in_reply_to:
        header += [f"In-Reply-To: {letter.in_reply_to}", f"References: {letter.in_reply_to}"]
    if letter.list_id:
        header += [f"List-Id: {letter.list_id}", "Precedence: list"]
    header.append("MIME-Version: 1.0")
    return "\r\n".join(header).encode("ascii") + CRLF + body_header + CRLF + body


def _body(letter: Letter) -> tuple[bytes, bytes]:
    """The Content-* fields of the message, and what follows its header."""
    boundary = f"=-{letter.message_id[1:17]}"
    text = _text_part("plain", letter.text)
    if letter.html is not None:
        text = _multipart(
            "alternative", f"{boundary}-a", [text, _text_part("html", letter.html)]
        )
    if letter.attachments:
        parts = [text, *(_attachment(attachment) for attachment in letter.attachments)]
        text = _multipart("mixed", f"{boundary}-m", parts)
    return text


def _text_part(subtype: str, text: str) -> tuple[bytes, bytes]:
    is_ascii = text.isascii()
    header = (
        f"Content-Type: text/{subtype}; charset={'us-ascii' if is_ascii else 'utf-8'}\r\n"
        f"Content-Transfer-Encoding: {'7bit' if is_ascii else '8bit'}\r\n"
    )
    return header.encode("ascii"), text.encode("utf-8")


def _multipart(
    subtype: str, boundary: str, parts: list[tuple[bytes, bytes]]
) -> tuple[bytes, bytes]:
    header = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n'.encode("ascii")
    line = b"--" + boundary.encode("ascii")
    body = b"".join(line + CRLF + head + CRLF + content + CRLF for head, content in parts)
    return header, body + line + b"--\r\n"


def _attachment(attachment: Attachment) -> tuple[bytes, bytes]:
    name = _encoded(attachment.file_name)
    header = (
        f'Content-Type: {attachment.content_type}; name="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n'
    )
    lines = base64.encodebytes(attachment.content).replace(b"\n", CRLF)
    return header.encode("ascii"), lines


def _encoded(text: str) -> str:
    """The text as an RFC 2047 encoded word where ASCII does not reach."""
    if text.isascii():
        return text
    return "=?utf-8?B?" + base64.b64encode(text.encode("utf-8")).decode("ascii") + "?="


def _phrase(address: str) -> str:
    name, _, rest = address.partition(" <")
    return f"{_encoded(name)} <{rest}" if rest else address


def _date(date: datetime) -> str:
    # Not strftime("%a %b"), which speaks the language of the user's locale.
    return (
        f"{WEEKDAYS[date.weekday()]}, {date.day} {MONTHS[date.month - 1]} {date.year} "
        + date.strftime("%H:%M:%S %z")
    )
