"""What servers say, word for word: examples of the RFCs and the habits of real servers.

Each is sent to a connection with a selected mailbox and these commands in flight from A3 on.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from mailvault.mail.model import MailboxName, MailboxState, Uid
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.commands import Command, StatusAttribute
from mailvault.protocols.imap.types import (
    Bye,
    Capability,
    Condition,
    ESearch,
    Exists,
    Expunge,
    Fetch,
    Id,
    ListItem,
    MailboxFlags,
    Namespace,
    NamespaceItem,
    Recent,
    ResponseCode,
    Search,
    Section,
    Status,
    StatusItem,
    Tagged,
    Unknown,
    Value,
    Vanished,
)
from mailvault.protocols.imap.uidset import EMPTY, UidSet
from tests.flags import build_flags
from tests.unit.protocols.conversation import FETCH_ALL, crlf


@dataclass(frozen=True)
class Transcript:
    name: str
    octets: bytes
    values: tuple[tuple[Value, str | None], ...]  # and the tag of the command they answer
    in_flight: tuple[Command, ...] = (FETCH_ALL,)


def ok(tag: str, text: str = "done", code: ResponseCode | None = None) -> tuple[Value, str]:
    return Tagged(tag, Condition.OK, code, text), tag


def untagged_ok(text: str, name: str, arguments: bytes = b"") -> Value:
    return Status(Condition.OK, ResponseCode(name, arguments), text)


def uids(text: bytes) -> UidSet:
    return UidSet.parse(text)


ALL_STATUS = commands.list_extended(status=StatusAttribute, subscribed=True)
SEARCH = commands.uid_search(uids(b"1:9"), esearch=True)
QRESYNC = commands.examine(b"INBOX", qresync=(67890007, 90060115194045000))
BODY = b"Subject: hi\r\n\r\nhello\r\n"
PDT = timezone(timedelta(hours=-7))

RFC_9051 = [
    Transcript(
        "RFC 9051 8: the sample connection",
        crlf(
            b"* 18 EXISTS\n"
            b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
            b"* OK [UIDVALIDITY 3857529045] UIDs valid\n"
            b"A3 OK [READ-WRITE] SELECT completed\n"
        ),
        (
            (Exists(18), "A3"),
            (
                MailboxFlags(
                    build_flags("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
                ),
                "A3",
            ),
            (untagged_ok("UIDs valid", "UIDVALIDITY", b"3857529045"), "A3"),
            ok("A3", "SELECT completed", ResponseCode("READ-WRITE")),
        ),
        (commands.select(b"inbox"),),
    ),
    Transcript(
        "RFC 3501 8: ENVELOPE and BODY of a FETCH are stepped over",
        crlf(
            b"* 12 FETCH (FLAGS (\\Seen) INTERNALDATE\n".rstrip(b"\n")
            + b' "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 4286 ENVELOPE ("Wed, 17 Jul 1996'
            b' 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" (("Terry Gray"'
            b' NIL "gray" "cac.washington.edu")) NIL NIL ((NIL NIL "imap" {18}\n'
        )
        + b"cac.washington.edu"
        + crlf(
            b')) NIL NIL "<B27397-0100000@cac.washington.edu>") BODY ("TEXT" "PLAIN"'
            b' ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92) UID 7)\n'
            b"A3 OK done\n"
        ),
        (
            (
                Fetch(
                    12,
                    Uid(7),
                    build_flags("\\Seen"),
                    datetime(1996, 7, 17, 2, 44, 25, tzinfo=PDT),
                    4286,
                ),
                "A3",
            ),
            ok("A3"),
        ),
    ),
    Transcript(
        "RFC 9051 7.1: status responses with and without codes",
        crlf(
            b"* OK IMAP4rev2 server ready {3}\n"
            b"* OK [ALERT] System shutdown in 10 minutes\n"
            b"* NO Disk is 98% full, please delete unnecessary data\n"
            b"* BAD Disk crash, attempting salvage to a new disk!\n"
            b"* OK [PERMANENTFLAGS (\\Deleted \\Seen \\* [odd])] Limited\n"
            b"* OK [UIDNEXT] no number\n"
            b"* ok\n"
            b"* BYE Autologout; idle for too long\n"
        ),
        (
            (Status(Condition.OK, None, "IMAP4rev2 server ready {3}"), None),
            (untagged_ok("System shutdown in 10 minutes", "ALERT"), None),
            (
                Status(Condition.NO, None, "Disk is 98% full, please delete unnecessary data"),
                None,
            ),
            (
                Status(Condition.BAD, None, "Disk crash, attempting salvage to a new disk!"),
                None,
            ),
            (
                untagged_ok("Limited", "PERMANENTFLAGS", b"(\\Deleted \\Seen \\* [odd])"),
                None,
            ),
            (untagged_ok("no number", "UIDNEXT"), None),
            (Status(Condition.OK, None, ""), None),
            (Bye(None, "Autologout; idle for too long"), None),
        ),
    ),
    Transcript(
        "RFC 3501 7.2, 7.3: SEARCH, also empty and with a trailing blank",
        crlf(
            b"* SEARCH 2 84 882\n* SEARCH\n* SEARCH 3 1 2 \n* SEARCH 2 5 (MODSEQ 917162500)\n"
        ),
        (
            (Search(uids(b"2,84,882")), "A3"),
            (Search(EMPTY), "A3"),
            (Search(uids(b"1:3")), "A3"),
            (Search(uids(b"2,5"), 917162500), "A3"),
        ),
        (SEARCH,),
    ),
    Transcript(
        "RFC 4731 3.1: ESEARCH finds its command by the tag",
        crlf(
            b'* ESEARCH (TAG "A4") UID MIN 7 MAX 3800 COUNT 15 ALL 7:20,3800 MODSEQ 5\n'
            b'* ESEARCH (TAG "A3") UID\n'
            b'* ESEARCH (TAG "Z9") ALL 1\n'
            b"* ESEARCH UID COUNT 0\n"
        ),
        (
            (ESearch("A4", True, uids(b"7:20,3800"), 15, 7, 3800, 5), "A4"),
            (ESearch("A3", True), "A3"),
            (ESearch("Z9", False, uids(b"1")), None),
            (ESearch(None, True, count=0), "A3"),
        ),
        (SEARCH, SEARCH),
    ),
    Transcript(
        "RFC 2342 5: NAMESPACE with extension data and NIL",
        crlf(
            b'* NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))) (("~" NIL)) NIL\n'
        ),
        (
            (
                Namespace(
                    (NamespaceItem(b"", "/"), NamespaceItem(b"#mh/", "/")),
                    (NamespaceItem(b"~", None),),
                    (),
                ),
                "A3",
            ),
        ),
        (commands.namespace(),),
    ),
    Transcript(
        "RFC 2971 3.2: ID, with NIL for a value and for everything",
        crlf(b'* ID ("Name" "Cyrus" "version" NIL)\n* ID NIL\nA3 OK done\n'),
        (
            (Id((("name", "Cyrus"), ("version", None))), "A3"),
            (Id(()), "A3"),
            ok("A3"),
        ),
        (commands.identify(),),
    ),
    Transcript(
        "RFC 7162 3.2.5: QRESYNC on EXAMINE",
        crlf(
            b"* OK [CLOSED] Previous mailbox closed.\n"
            b"* 314 EXISTS\n"
            b"* 1 RECENT\n"
            b"* OK [UIDVALIDITY 67890007] UIDVALIDITY\n"
            b"* OK [HIGHESTMODSEQ 90060128194045007] Highest\n"
            b"* VANISHED (EARLIER) 41,43:116,118,120:211,214:540\n"
            b"* 49 FETCH (UID 117 FLAGS (\\Seen \\Answered) MODSEQ (90060115194045001))\n"
            b"A3 OK [READ-ONLY] mailbox selected\n"
            b"* VANISHED 405,407\n"
            b"* 44 EXPUNGE\n"
        ),
        (
            (untagged_ok("Previous mailbox closed.", "CLOSED"), "A3"),
            (Exists(314), "A3"),
            (Recent(1), "A3"),
            (untagged_ok("UIDVALIDITY", "UIDVALIDITY", b"67890007"), "A3"),
            (untagged_ok("Highest", "HIGHESTMODSEQ", b"90060128194045007"), "A3"),
            (Vanished(uids(b"41,43:116,118,120:211,214:540"), is_earlier=True), "A3"),
            (
                Fetch(
                    49,
                    Uid(117),
                    build_flags("\\Seen", "\\Answered"),
                    modseq=90060115194045001,
                ),
                "A3",
            ),
            ok("A3", "mailbox selected", ResponseCode("READ-ONLY")),
            (Vanished(uids(b"405,407"), is_earlier=False), None),
            (Expunge(44), None),
        ),
        (QRESYNC,),
    ),
    Transcript(
        "RFC 8474: MAILBOXID, EMAILID, THREADID",
        crlf(
            b"* STATUS foo (MAILBOXID (F2212ea87-6097-4256-9d51-71338625))\n"
            b"* 1 FETCH (UID 1 EMAILID (M6d99ac3275bb4e) THREADID (T64b478a75b7ea9))\n"
            b"* 2 FETCH (UID 2 EMAILID (M00000002) THREADID NIL)\n"
        ),
        (
            (
                StatusItem(
                    b"foo",
                    MailboxState(mailbox_id="F2212ea87-6097-4256-9d51-71338625"),
                ),
                None,
            ),
            (
                Fetch(1, Uid(1), email_id="M6d99ac3275bb4e", thread_id="T64b478a75b7ea9"),
                "A3",
            ),
            (Fetch(2, Uid(2), email_id="M00000002"), "A3"),
        ),
    ),
]

SERVERS = [
    Transcript(
        "Dovecot: LIST with STATUS and SPECIAL-USE in one round trip",
        crlf(
            b'* LIST (\\Subscribed \\HasNoChildren \\Sent) "." Sent\n'
            b"* STATUS Sent (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 1611 UNSEEN 0 HIGHESTMODSEQ 9"
            b" SIZE 812)\n"
            b'* LIST (\\HasChildren) "." "Sch&APY-ne Gr&APwA3w-e"\n'
            b'* STATUS "Sch&APY-ne Gr&APwA3w-e" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1612)\n'
            b'* LIST (\\NonExistent) "." {6}\n'
        )
        + b'a"b\\.c'
        + crlf(b"\nA3 OK [X 1] List completed (0.001 + 0.000 secs).\n"),
        (
            (
                ListItem(
                    b"Sent",
                    MailboxName(("Sent",)),
                    ".",
                    frozenset({"\\Subscribed", "\\HasNoChildren", "\\Sent"}),
                ),
                "A3",
            ),
            (StatusItem(b"Sent", MailboxState(1611, 3, 2, 9), size=812, unseen=0), "A3"),
            (
                ListItem(
                    b"Sch&APY-ne Gr&APwA3w-e",
                    MailboxName(("Schöne Grüße",)),
                    ".",
                    frozenset({"\\HasChildren"}),
                ),
                "A3",
            ),
            (StatusItem(b"Sch&APY-ne Gr&APwA3w-e", MailboxState(1612, 1, 0)), "A3"),
            (
                ListItem(
                    b'a"b\\.c',
                    MailboxName(('a"b\\', "c")),
                    ".",
                    frozenset({"\\NonExistent"}),
                ),
                "A3",
            ),
            ok("A3", "List completed (0.001 + 0.000 secs).", ResponseCode("X", b"1")),
        ),
        (ALL_STATUS,),
    ),
    Transcript(
        "Dovecot: bodies, an empty one, and a keyword",
        crlf(
            b'* 1 FETCH (UID 4 FLAGS (\\Seen $Forwarded) INTERNALDATE "29-Feb-2024 23:59:59'
            b' +0000" RFC822.SIZE 22 MODSEQ (3) BODY[] {22}\n'
        )
        + BODY
        + crlf(b")\n* 2 FETCH (UID 5 FLAGS () BODY[] {0}\n)\nA3 OK done\n"),
        (
            (
                Fetch(
                    1,
                    Uid(4),
                    build_flags("\\Seen", "$Forwarded"),
                    datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC),
                    22,
                    3,
                    BODY,
                ),
                "A3",
            ),
            (Fetch(2, Uid(5), build_flags(), body=b""), "A3"),
            ok("A3"),
        ),
    ),
    Transcript(
        "Cyrus: FLAGS first, a day padded with a blank, the header in a literal",
        crlf(
            b'* 1 FETCH (FLAGS (\\Recent) UID 9 INTERNALDATE " 1-Jan-2024 00:00:00 +0000"'
            b" RFC822.SIZE 22 BODY[HEADER.FIELDS (MESSAGE-ID)] {21}\n"
        )
        + b"Message-ID: <a@b>\r\n\r\n"
        + crlf(b')\n* LIST (\\HasNoChildren) "." "INBOX"\nA3 OK Completed (0.000 sec)\n'),
        (
            (
                Fetch(
                    1,
                    Uid(9),
                    build_flags(),
                    datetime(2024, 1, 1, tzinfo=UTC),
                    22,
                    sections=(
                        Section("HEADER.FIELDS (MESSAGE-ID)", b"Message-ID: <a@b>\r\n\r\n"),
                    ),
                ),
                "A3",
            ),
            (
                ListItem(
                    b"INBOX", MailboxName(("INBOX",)), ".", frozenset({"\\HasNoChildren"})
                ),
                None,
            ),
            ok("A3", "Completed (0.000 sec)"),
        ),
    ),
    Transcript(
        "Courier: an unpadded day, the body before the rest, names below INBOX",
        crlf(b"* 1 FETCH (UID 2 BODY[] {22}\n")
        + BODY
        + crlf(
            b' INTERNALDATE "5-Mar-2023 08:09:10 +0530" FLAGS (\\Seen))\n'
            b'* LIST (\\HasNoChildren) "." "INBOX.Sent"\n'
            b"A3 OK FETCH completed.\n"
        ),
        (
            (
                Fetch(
                    1,
                    Uid(2),
                    build_flags("\\Seen"),
                    datetime(
                        2023, 3, 5, 8, 9, 10, tzinfo=timezone(timedelta(hours=5, minutes=30))
                    ),
                    body=BODY,
                ),
                "A3",
            ),
            (
                ListItem(
                    b"INBOX.Sent",
                    MailboxName(("INBOX", "Sent")),
                    ".",
                    frozenset({"\\HasNoChildren"}),
                ),
                None,
            ),
            ok("A3", "FETCH completed."),
        ),
    ),
    Transcript(
        "Gmail: its own message id and labels, and folders that cannot be opened",
        crlf(
            b"* 1 FETCH (X-GM-MSGID 1278455344230334865 X-GM-LABELS"
            b' ("\\\\Inbox" "\\\\Sent" Important "Muy Importante" "&ZeVnLIqe-")'
            b' UID 4 RFC822.SIZE 22 INTERNALDATE "26-Jan-2010 18:03:14 +0000" BODY[] {22}\n'
        )
        + BODY
        + crlf(
            b' FLAGS (\\Seen $NotPhishing))\n* LIST (\\HasChildren \\Noselect) "/" "[Gmail]"\n'
            b"A3 OK Success\n"
        ),
        (
            (
                Fetch(
                    1,
                    Uid(4),
                    build_flags("\\Seen", "$NotPhishing"),
                    datetime(2010, 1, 26, 18, 3, 14, tzinfo=UTC),
                    22,
                    body=BODY,
                    gmail_message_id="1278455344230334865",
                    gmail_labels=(
                        "\\Inbox",
                        "\\Sent",
                        "Important",
                        "Muy Importante",
                        "日本語",
                    ),
                ),
                "A3",
            ),
            (
                ListItem(
                    b"[Gmail]",
                    MailboxName(("[Gmail]",)),
                    "/",
                    frozenset({"\\HasChildren", "\\Noselect"}),
                ),
                None,
            ),
            ok("A3", "Success"),
        ),
    ),
    Transcript(
        "Exchange: a trailing blank behind STATUS, BODY[] NIL, throttling in the text",
        crlf(
            b"* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 14) \n"
            b"* 1 FETCH (BODY[] NIL UID 3 FLAGS (\\Seen))\n"
            b"* 2 FETCH (FLAGS (\\Deleted))\n"
            b"A3 BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds\n"
        ),
        (
            (StatusItem(b"INBOX", MailboxState(14, 4, 3)), None),
            (Fetch(1, Uid(3), build_flags("\\Seen")), "A3"),
            (Fetch(2, flags=build_flags("\\Deleted")), None),
            (
                Tagged(
                    "A3",
                    Condition.BAD,
                    None,
                    "Request is throttled. Suggested Backoff Time: 299961 milliseconds",
                ),
                "A3",
            ),
        ),
    ),
    Transcript(
        "names that are wrong: no quotes, quotes inside quotes, raw UTF-8, no delimiter",
        crlf(
            b'* LIST () "/" Sent Items\n'
            b'* LIST () "/" "the "old" ones"\n'
            b'* LIST () "/" "Entw\xc3\xbcrfe"\n'
            b'* LIST () NIL "a & b"\n'
            b'* LIST () "\\\\" "a\\\\b"\n'
            b'* LIST () "/" "trailing "\n'
            b'* LIST (\\Noselect) "" ""\n'
            b'* LIST () "/" new ("OLDNAME" ("o&AOQ-d") "CHILDINFO" ("SUBSCRIBED"))\n'
            b'* LSUB () "/" inbox\n'
            b"* STATUS Sent Items (MESSAGES 1)\n"
            b"A3 OK done\n"
        ),
        (
            (ListItem(b"Sent Items", MailboxName(("Sent Items",)), "/", frozenset()), "A3"),
            (
                ListItem(b'the "old" ones', MailboxName(('the "old" ones',)), "/", frozenset()),
                "A3",
            ),
            (
                ListItem("Entwürfe".encode(), MailboxName(("Entwürfe",)), "/", frozenset()),
                "A3",
            ),
            (ListItem(b"a & b", MailboxName(("a & b",)), None, frozenset()), "A3"),
            (ListItem(b"a\\b", MailboxName(("a", "b")), "\\", frozenset()), "A3"),
            (ListItem(b"trailing ", MailboxName(("trailing ",)), "/", frozenset()), "A3"),
            (ListItem(b"", MailboxName(("",)), None, frozenset({"\\Noselect"})), "A3"),
            (
                ListItem(
                    b"new",
                    MailboxName(("new",)),
                    "/",
                    frozenset(),
                    old_wire_name=b"o&AOQ-d",
                ),
                "A3",
            ),
            (ListItem(b"inbox", MailboxName(("INBOX",)), "/", frozenset(), True), None),
            (StatusItem(b"Sent Items", MailboxState(messages=1)), "A3"),
            ok("A3"),
        ),
        (ALL_STATUS,),
    ),
    Transcript(
        "a server that invents responses, repeats CAPABILITY and says + with nothing behind",
        crlf(b"* XYZZY plugh {3}\n")
        + b"abc"
        + crlf(b' "x"\n* CAPABILITY imap4rev1 Idle\n+\nA3 OK done\n'),
        (
            (Unknown("XYZZY"), None),
            (Capability(frozenset({"IMAP4REV1", "IDLE"})), None),
        ),
    ),
]

TRANSCRIPTS = RFC_9051 + SERVERS
