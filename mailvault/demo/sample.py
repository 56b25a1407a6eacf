"""The sample mailbox of the demonstration: small, plausible, and the same every time."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from mailvault.demo.letters import Attachment, Letter, compose, quote_text, write_text
from mailvault.demo.mailbox import ServedAccount, ServedMailbox

USER = "nora@example.org"
PASSWORD = "orchard"  # noqa: S105 - of our own server, on loopback
SEED = 20_240_229

NORA = "Nora Lindqvist <nora@example.org>"
PEOPLE = (
    "Jürgen Weiß <juergen@example.net>",
    "Amélie Dubois <amelie@example.com>",
    "Kwame Boateng <kwame@example.net>",
    "佐藤 花子 <hanako@example.jp>",
    "Olga Petrova <olga@example.com>",
    "Tom Hartley <tom@example.net>",
)
ORCHARD_LIST = "The orchard list <orchard@lists.example.org>"
SUBJECTS = (
    "Beams for the north side", "Keys and the blue folder", "Besprechung am Montag",
    "Les photos de dimanche", "Invoice for the cellar", "The pear tree by the gate",
    "Quinces", "Angebot Brücke Süd", "Train on Friday", "Dinner for nine?", "请看附件",
    "Minutes of the committee", "Your parcel", "Frost", "Прививка яблонь", "River level",
)  # fmt: skip
FLAG_SETS: tuple[tuple[str, ...], ...] = (
    (),
    ("\\Seen",),
    ("\\Seen",),
    ("\\Seen", "\\Answered"),
    ("\\Seen", "\\Flagged"),
    ("\\Seen", "$Forwarded"),
    ("\\Seen", "$Label1", "orchard"),
)
START = datetime(2022, 3, 1, 8, 0, tzinfo=timezone(timedelta(hours=1)))


class SampleMail:
    """Writes letters one after the other, each later than the one before."""

    def __init__(self) -> None:
        self._chance = random.Random(SEED)  # noqa: S311 - a sample, not a secret
        self._date = START
        self._count = 0
        self.logo = Attachment(
            "logo.png", "image/png", self._picture(b"\x89PNG\r\n\x1a\n", 14_000)
        )
        self.plan = Attachment("Plan Brücke.pdf", "application/pdf", self._document(180_000))
        self.agenda = Attachment("agenda.pdf", "application/pdf", self._document(60_000))

    def letter(
        self,
        subject: str | None = None,
        *,
        sender: str | None = None,
        recipient: str = NORA,
        attachments: Iterable[Attachment] = (),
    ) -> Letter:
        """A letter with new text; sender and subject at random where none is given."""
        self._count += 1
        self._date += timedelta(minutes=self._chance.randrange(40, 5_800))
        text = write_text(self._chance, self._chance.randrange(3, 18))
        unique = f"{self._count:06d}.{self._chance.randrange(1 << 40):010x}"
        return Letter(
            sender=sender or self._chance.choice(PEOPLE),
            recipient=recipient,
            subject=subject or self._chance.choice(SUBJECTS),
            date=self._date,
            message_id=f"<{unique}@example.org>",
            text=text,
            attachments=tuple(attachments),
        )

    def reply(self, to: Letter, *, sender: str, recipient: str) -> Letter:
        """An answer that quotes the letter, with the sender's logo below."""
        answer = self.letter(sender=sender, recipient=recipient, attachments=[self.logo])
        subject = to.subject if to.subject.startswith("Re: ") else f"Re: {to.subject}"
        text = quote_text(to.sender.partition(" <")[0], to.text) + "\r\n" + answer.text
        return replace(answer, subject=subject, text=text, in_reply_to=to.message_id)

    def newsletter(self) -> Letter:
        """A letter in plain text and HTML."""
        letter = self.letter("News from the nursery", sender="Nursery <news@example.com>")
        paragraphs = letter.text.split("\r\n\r\n")
        html = "".join(f'<p style="margin: 0 0 1em 0">{text}</p>\r\n' for text in paragraphs)
        return replace(letter, html=f"<html><body>\r\n{html}</body></html>\r\n")

    def photo(self, number: int) -> Attachment:
        size = self._chance.randrange(90_000, 260_000)
        return Attachment(
            f"IMG_{number:04d}.jpg", "image/jpeg", self._picture(b"\xff\xd8\xff\xe0", size)
        )

    def flags(self) -> list[str]:
        """Flags as a mailbox in use has them."""
        return list(self._chance.choice(FLAG_SETS))

    def _picture(self, magic: bytes, size: int) -> bytes:
        """Octets that do not compress, as a photograph does not."""
        return magic + self._chance.randbytes(size - len(magic))

    def _document(self, size: int) -> bytes:
        """Octets of which about half compress, as in a PDF with pictures."""
        pieces = [b"%PDF-1.4\n"]
        while sum(map(len, pieces)) < size:
            pieces.append(b"stream\n" + self._chance.randbytes(2_000) + b"\nendstream\n")
            pieces.append(write_text(self._chance, 25).encode("utf-8"))
        return b"".join(pieces)[:size]


def build_sample() -> ServedAccount:
    """The account that the demonstration serves."""
    account = ServedAccount(USER, PASSWORD)
    mail = SampleMail()
    _fill_conversations(account, mail)
    _fill_list(account, mail)
    _fill_pictures(account, mail)
    _fill_odd(account)
    return account


def _put(mailbox: ServedMailbox, letter: Letter, flags: Iterable[str]) -> bytes:
    octets = compose(letter)
    mailbox.append(octets, flags=flags, internal_date=letter.date + timedelta(seconds=7))
    return octets


def _fill_conversations(account: ServedAccount, mail: SampleMail) -> None:
    """Letters and answers; what is answered was later copied to a folder of its year."""
    inbox = account.create("INBOX")
    sent = account.create("Sent", special_use="\\Sent")
    bridge = account.create("Projekte/Brücke Süd")
    years = [account.create(f"Archive/{year}") for year in (2022, 2023)]
    account.create("Drafts", special_use="\\Drafts")
    account.create("Trash", special_use="\\Trash")
    for number in range(48):
        attachments = [mail.agenda] if number % 8 == 3 else []
        letter = mail.letter(attachments=attachments)
        octets = _put(inbox, letter, mail.flags())
        answer = mail.reply(letter, sender=NORA, recipient=letter.sender)
        if number % 3 == 0:
            _put(sent, answer, ["\\Seen"])
            years[number // 24].append(
                octets, flags=["\\Seen", "\\Answered"], internal_date=letter.date
            )
        if number % 4 == 1:
            plan = mail.letter("Plan Brücke Süd", attachments=[mail.plan, mail.logo])
            _put(bridge, plan, mail.flags())
    for _ in range(6):
        _put(account.mailbox("Trash"), mail.newsletter(), ["\\Seen"])
    for _ in range(3):
        draft = mail.letter("Angebot (Entwurf)", sender=NORA, recipient=PEOPLE[0])
        _put(account.mailbox("Drafts"), draft, ["\\Seen", "\\Draft"])


def _fill_list(account: ServedAccount, mail: SampleMail) -> None:
    """A mailing list below a mailbox that holds no mail itself; Nora's copies are double."""
    lists = account.create("Lists")
    lists.is_selectable = False
    orchard = account.create("Lists/orchard")
    thread = mail.letter("Grafting in spring", recipient=ORCHARD_LIST)
    for number in range(60):
        if number % 7 == 0:
            thread = mail.letter(recipient=ORCHARD_LIST)
        else:
            sender = PEOPLE[number % len(PEOPLE)]
            thread = mail.reply(thread, sender=sender, recipient=ORCHARD_LIST)
        letter = replace(thread, list_id="The orchard list <orchard.lists.example.org>")
        octets = _put(orchard, letter, mail.flags())
        if number % 10 == 5:
            account.mailbox("INBOX").append(
                octets, flags=["\\Seen"], internal_date=letter.date + timedelta(seconds=9)
            )
    account.create("Junk", special_use="\\Junk").is_subscribed = False
    for _ in range(5):
        _put(account.mailbox("Junk"), mail.newsletter(), ["$Junk"])


def _fill_pictures(account: ServedAccount, mail: SampleMail) -> None:
    """Photographs, some sent to several people and so here several times."""
    pictures = account.create("写真")
    for number in range(12):
        photo = mail.photo(1_000 + number)
        letter = mail.letter("Les photos de dimanche", attachments=[photo])
        _put(pictures, letter, ["\\Seen", "\\Flagged"] if number % 5 == 0 else ["\\Seen"])
        if number % 3 == 0:
            forwarded = mail.letter(
                "Fwd: Les photos de dimanche", sender=NORA, attachments=[photo]
            )
            _put(account.mailbox("Sent"), forwarded, ["\\Seen"])


def _fill_odd(account: ServedAccount) -> None:
    """Messages that follow no standard, because real mailboxes are full of them."""
    odd = account.create("Müll & Merkwürdiges")
    odd.is_subscribed = False
    when = datetime(2021, 12, 31, 23, 59, 59, tzinfo=UTC)
    for octets in (
        b"Subject: no final line end\r\n\r\nThe last line just stops here",
        b"Subject: bare line feeds\nFrom: someone@example.net\n\nOld Unix mail.\n",
        b"Subject: a caf\xe9 in Latin-1, undeclared\r\n\r\nUn caf\xe9, s'il te pla\xeet.\r\n",
        b"From nobody Sat Jan  1 00:00:00 2000\r\nFrom: not a header\r\n\r\n.\r\n..\r\n",
        b"Message-ID: <twice@example.org>\r\nSubject: one\r\n\r\nThe same Message-ID, one\r\n",
        b"Message-ID: <twice@example.org>\r\nSubject: two\r\n\r\nThe same Message-ID, two\r\n",
        b"\r\nNo header at all.\r\n",
        b"Subject: NUL\r\n\r\nbinary \x01\x7f\x80\xff octets\r\n",
    ):
        odd.append(octets, flags=[], internal_date=when)


def change_sample(account: ServedAccount) -> list[str]:
    """Do to the mailboxes what a week of use does; return it in plain words."""
    mail = SampleMail()
    with account.lock:
        inbox = account.mailbox("INBOX")
        trash = account.mailbox("Trash")
        uids = list(inbox.messages)
        for uid in uids[:6]:
            inbox.set_flags(uid, inbox.messages[uid].flags | {"\\Seen", "\\Flagged"})
        for uid in uids[10:14]:
            account.move(uid, inbox, trash)
        for uid in list(trash.messages)[:3]:
            trash.expunge(uid)
        for number in range(5):
            _put(inbox, _late(mail.letter(f"Fresh news, part {number + 1}")), [])
        account.rename("Projekte/Brücke Süd", "Projekte/Fertig/Brücke Süd")
        account.create("Projekte/Neu").append(
            b"Subject: A first note\r\n\r\nStart with the fence.\r\n",
            flags=[],
            internal_date=datetime(2024, 3, 2, 9, 30, tzinfo=UTC),
        )
    return [
        "6 messages in INBOX were read and starred",
        "4 messages were moved from INBOX to Trash",
        "3 messages in Trash were deleted for good",
        "5 messages arrived in INBOX",
        "Projekte/Brücke Süd was renamed to Projekte/Fertig/Brücke Süd",
        "Projekte/Neu was made, with one message",
    ]


def _late(letter: Letter) -> Letter:
    """The letter as one that came after all the others."""
    return replace(
        letter,
        date=letter.date + timedelta(days=730),
        message_id=letter.message_id.replace("<", "<new."),
    )
