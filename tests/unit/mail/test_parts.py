import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.lifting import lift
from mailvault.mail.outline import Hole, Outline
from mailvault.mail.parts import DEPTH_LIMIT, PART_LIMIT, Attachment, attachments
from tests.corpus.odd import Oddity, oddities
from tests.corpus.ordinary import generate


def part(header: str, body: str = "body") -> str:
    return f"--b\r\n{header}\r\n\r\n{body}\r\n"


def message(*parts: str, kind: str = "mixed") -> bytes:
    head = f'From: a@b\r\nContent-Type: multipart/{kind}; boundary="b"\r\n\r\npreamble\r\n'
    return (head + "".join(parts) + "--b--\r\nepilogue\r\n").encode()


def found(octets: bytes, *holes: Hole) -> list[Attachment]:
    return attachments(Outline(octets, holes))


PDF = "Content-Type: application/pdf"


@pytest.mark.parametrize(
    ("header", "names"),
    [
        pytest.param("Content-Type: text/plain", [], id="text"),
        pytest.param("", [], id="nothing"),
        pytest.param(PDF, [None], id="not-text"),
        pytest.param(f"{PDF}; name=a.pdf", ["a.pdf"], id="name"),
        pytest.param(f"{PDF}; NAME = a.pdf", ["a.pdf"], id="blanks"),
        pytest.param(f"{PDF}; name=my file.pdf; x=y", ["my file.pdf"], id="bare-blanks"),
        pytest.param(f'{PDF};\r\n name="a b.pdf"', ["a b.pdf"], id="folded"),
        pytest.param(f'{PDF}; name="a\\"b.pdf"', ['a"b.pdf'], id="quoted-pair"),
        pytest.param(f'{PDF}; name="a;b=c.pdf"', ["a;b=c.pdf"], id="semicolon"),
        pytest.param(f'{PDF}; name="=?utf-8?q?=C3=A9?=.pdf"', ["é.pdf"], id="rfc2047"),
        pytest.param(f"{PDF}; name*=utf-8''%C3%A9.pdf", ["é.pdf"], id="rfc2231"),
        pytest.param(f"{PDF}; name*=''%C3%A9.pdf", ["é.pdf"], id="rfc2231-no-charset"),
        pytest.param(f"{PDF}; name*=iso-8859-1'fr'%E9", ["é"], id="rfc2231-language"),
        pytest.param(f"{PDF}; name*0=a; name*1=b.pdf", ["ab.pdf"], id="continued"),
        pytest.param(f"{PDF}; name*1=b.pdf; name*0=a", ["ab.pdf"], id="out-of-order"),
        pytest.param(
            f"{PDF}; name*0*=utf-8''%C3; name*1*=%A9; name*2=.pdf",
            ["é.pdf"],
            id="split-character",
        ),
        pytest.param(f"{PDF}; name=x; name*=utf-8''y", ["y"], id="extended-wins"),
        pytest.param(f"{PDF}; name=\xe9.pdf", ["é.pdf"], id="raw"),
        pytest.param(f"{PDF}; name=\x1b[2Ja\x00.pdf", ["[2Ja.pdf"], id="controls"),
        pytest.param(f"{PDF}; name=../../etc/passwd", ["../../etc/passwd"], id="path"),
        pytest.param(
            "Content-Disposition: attachment; filename=a.txt", ["a.txt"], id="disposition"
        ),
        pytest.param("Content-Disposition: ATTACHMENT", [None], id="nameless-attachment"),
        pytest.param(
            f"{PDF}; name=a\r\nContent-Disposition: inline; filename=b", ["b"], id="both"
        ),
        pytest.param(
            "Content-Type: image/png\r\nContent-Disposition: inline", [], id="inline-nameless"
        ),
        pytest.param(
            "Content-Type: image/png; name=logo.png\r\nContent-Disposition: inline",
            ["logo.png"],
            id="inline-named",
        ),
        pytest.param("Content-Type: message/delivery-status", [], id="machinery"),
        pytest.param("Content-Type: nonsense; name=x", ["x"], id="no-type"),
        pytest.param(f"{PDF}; name", [None], id="no-value"),
        pytest.param(f'{PDF}; name="never ends', ["never ends"], id="open-quote"),
    ],
)
def test_a_part_is_an_attachment_or_not(header: str, names: list[str | None]) -> None:
    octets = message(part("Content-Type: text/plain"), part(header))

    assert [attachment.name for attachment in found(octets)] == names


def test_the_only_part_of_a_message_may_be_a_file() -> None:
    octets = b"content-type: application/zip; name=a.zip\r\n\r\n12345\r\n"

    assert found(octets) == [Attachment("a.zip", "application/zip", 7)]


@pytest.mark.parametrize(
    ("encoding", "body", "size"),
    [
        ("base64", "YWJj\r\nZGVm", 6),
        ("base64", "YWI=", 2),
        ("base64", "not base64!!", 6),
        ("quoted-printable", "a=20b=\r\nc", 4),
        ("8bit", "a=20b", 5),
        ("", "", 0),
    ],
)
def test_the_size_is_that_of_the_decoded_octets(encoding: str, body: str, size: int) -> None:
    octets = message(part(f"{PDF}\r\nContent-Transfer-Encoding: {encoding}", body))

    assert found(octets) == [Attachment(None, "application/pdf", size)]


def test_a_lifted_part_has_the_size_of_its_hole() -> None:
    header = f"{PDF}\r\nContent-Transfer-Encoding: base64"
    octets = message(part(header, ""), part(header, "YWJj"))

    sizes = [a.size for a in found(octets, Hole(octets.index(b"\r\n--b\r\nCont", 100), 5000))]

    assert sizes == [5000, 3]


@pytest.mark.parametrize("seed", range(3))
def test_sizes_are_the_same_with_and_without_lifting(seed: int) -> None:
    for letter in generate(seed, 40):
        lifted = lift(letter.octets)
        holes = tuple(Hole(p.offset, len(p.octets)) for p in lifted.parts)

        assert attachments(Outline(lifted.text, holes)) == found(letter.octets)


def test_what_lies_in_a_message_within_a_message_is_found() -> None:
    inner = (
        'Subject: inner\r\nContent-Type: multipart/mixed; boundary="c"\r\n\r\n'
        "--c\r\nContent-Type: application/pdf; name=in.pdf\r\n\r\nx\r\n--c--"
    )
    octets = message(part("Content-Type: message/rfc822", inner), part(f"{PDF}; name=out.pdf"))

    assert [(a.name, a.content_type) for a in found(octets)] == [
        (None, "message/rfc822"),
        ("in.pdf", "application/pdf"),
        ("out.pdf", "application/pdf"),
    ]
    assert found(octets)[0].size == len(inner)


def test_the_parts_of_a_digest_are_messages() -> None:
    octets = message(part("", "Subject: a\r\n\r\na"), part("", "b"), kind="digest")

    assert [a.content_type for a in found(octets)] == ["message/rfc822"] * 2


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(message(part(PDF))[: -len("--b--\r\nepilogue\r\n")], id="never-closed"),
        pytest.param(message(part(PDF)).replace(b"\r\n", b"\n"), id="bare-lf"),
        pytest.param(message(part(PDF)).replace(b"--b\r\n", b"--b \t\r\n"), id="padding"),
        pytest.param(message(part(PDF)).replace(b'"b"', b"b"), id="bare-boundary"),
        pytest.param(message(part(PDF)) + b"--b\r\nContent-Type: a/b\r\n", id="after-the-end"),
        pytest.param(message("--b\r\n" + part(PDF)), id="empty-part"),
        pytest.param(message("--bb\r\n" + part(PDF) + "--\r\n-- \r\n"), id="other-dashes"),
        pytest.param(message(f"--b\r\n{PDF}\r\n"), id="no-blank-line"),
    ],
)
def test_a_broken_structure_still_gives_its_attachment(octets: bytes) -> None:
    assert [a.content_type for a in found(octets)] == ["application/pdf"]


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b'Content-Type: multipart/mixed; boundary="b"\r\n\r\ntext', id="no-part"),
        pytest.param(b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx", id="no-boundary"),
        pytest.param(
            b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nx', id="empty"
        ),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_has_no_parts_has_no_attachments(octets: bytes) -> None:
    assert found(octets) == []


def nested(depth: int) -> bytes:
    opened = (
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (level, level)
        for level in range(depth)
    )
    return b"".join(opened) + b"Content-Type: application/pdf; name=deep\r\n\r\nx\r\n"


def test_nesting_is_followed_up_to_a_limit() -> None:
    assert [a.name for a in found(nested(DEPTH_LIMIT))] == ["deep"]
    assert found(nested(5000)) == []


def test_parts_are_listed_up_to_a_limit() -> None:
    assert len(found(message(*[part(PDF)] * 5000))) == PART_LIMIT - 1


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"Content-Type: a/b" + b";" * 1_000_000, id="semicolons"),
        pytest.param(b"Content-Type: a/b" + b'; name="' * 200_000, id="open-quotes"),
        pytest.param(b"Content-Type: a/b; name=" + b"\\" * 1_000_000, id="backslashes"),
        pytest.param(
            b"Content-Type: a/b" + b"".join(b"; name*%d=x" % n for n in range(100_000)),
            id="continuations",
        ),
        pytest.param(message("--b\r\n" * 100_000), id="empty-parts"),
        pytest.param(message(("--b" + "x" * 70 + "\r\n") * 10_000), id="strange-dashes"),
        pytest.param(message("\r\n--" * 300_000), id="dashes"),
        pytest.param(b"Content-Type: message/rfc822\r\n\r\n" * 30_000, id="messages"),
        pytest.param(message("--b\r\n" + "\r\n" * 300_000), id="blank-lines"),
        pytest.param(message(part(PDF, "=" * 900_000)), id="signs"),
    ],
)
def test_hostile_structures_are_read_in_bounded_work(octets: bytes) -> None:
    assert len(found(octets)) <= PART_LIMIT


@pytest.mark.parametrize("oddity", oddities(), ids=lambda oddity: oddity.name)
def test_no_odd_message_is_too_odd(oddity: Oddity) -> None:
    found(oddity.octets)


mime_like = st.binary(max_size=30) | st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: multipart/digest; boundary=c\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: application/pdf; name*0*=utf-8''%ff\r\n",
        b"Content-Disposition: attachment\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"\r\n",
        b"\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"--c\n",
        b"--c--",
    ]
)


@given(
    st.lists(mime_like, max_size=40).map(b"".join), st.lists(st.integers(0, 500), max_size=5)
)
def test_whatever_the_octets_attachments_are_clean(octets: bytes, offsets: list[int]) -> None:
    holes = tuple(Hole(offset, 4096) for offset in sorted(offsets))

    for attachment in attachments(Outline(octets, holes)):
        assert attachment.size >= 0
        assert (attachment.name or "").isprintable() or "\x00" not in (attachment.name or "")
        assert attachment.content_type.isascii()
