"""Base64 parts are lifted where that is exact, and come back octet for octet."""

import base64
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.lifting import MINIMUM, encode_part, lift, rebuild
from mailvault.mail.lifting_windows import PartEnd, PartRun, Run, TextRun, WindowLifter

PAYLOAD = bytes(range(256)) * 40


def lines_of(octets: bytes, length: int = 76, ending: bytes = b"\r\n") -> bytes:
    encoded = base64.b64encode(octets)
    length = length or max(len(encoded), 1)
    return ending.join(encoded[at : at + length] for at in range(0, len(encoded), length))


def build_part(
    body: bytes,
    header: bytes = b"Content-Transfer-Encoding: base64",
    ending: bytes = b"\r\n",
    after: bytes = b"\r\n--x--\r\n",
) -> bytes:
    return b"Subject: s" + ending + header + ending * 2 + body + after


def windows_of(octets: bytes, chunk: int) -> Iterator[bytes]:
    """Take a message apart in the smallest windows and put it together again."""
    lifter = WindowLifter(window=0)
    pieces: list[bytes] = []

    def runs() -> Iterator[Run]:
        for at in range(0, len(octets), chunk):
            yield from lifter.feed(octets[at : at + chunk])
        yield from lifter.finish()

    for run in runs():
        if isinstance(run, TextRun):
            yield run.octets
        elif isinstance(run, PartRun):
            pieces.append(run.octets)
        else:
            yield from encode_part(pieces, run.shape)
            pieces.clear()


@pytest.mark.parametrize("ending", [b"\r\n", b"\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("length", [4, 57, 60, 61, 64, 72, 76, 998, 0])
@pytest.mark.parametrize("size", [2048, 2049, 2050, 4104, 10_000])
def test_a_part_is_lifted_whole_whatever_its_lines(
    ending: bytes, length: int, size: int
) -> None:
    message = build_part(lines_of(PAYLOAD[:size], length, ending), ending=ending)

    lifted = lift(message)

    assert [part.octets for part in lifted.parts] == [PAYLOAD[:size]]
    assert rebuild(lifted) == message


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Transfer-Encoding:base64",
        b"CONTENT-TRANSFER-ENCODING: BASE64",
        b"content-transfer-encoding: Base64 (a comment)",
        b"Content-Transfer-Encoding:\r\n\tbase64",
        b"Content-Transfer-Encoding: base64\r\nX-Later: 1\r\nX-More:\r\n folded",
    ],
    ids=["no-blank", "upper", "comment", "folded", "not-last"],
)
def test_the_header_may_be_written_in_many_ways(header: bytes) -> None:
    message = build_part(lines_of(PAYLOAD), header)

    assert [part.octets for part in lift(message).parts] == [PAYLOAD]


@pytest.mark.parametrize("size", [2049, 2050])
def test_a_part_without_padding_is_lifted(size: int) -> None:
    body = lines_of(PAYLOAD[:size]).rstrip(b"=")

    lifted = lift(build_part(body))

    assert [part.octets for part in lifted.parts] == [PAYLOAD[:size]]
    assert rebuild(lifted) == build_part(body)


def test_a_part_that_ends_the_message_without_a_line_ending_is_lifted() -> None:
    message = build_part(lines_of(PAYLOAD), after=b"")

    assert lift(message).parts[0].octets == PAYLOAD
    assert rebuild(lift(message)) == message


def test_a_part_inside_an_attached_message_is_lifted() -> None:
    inner = build_part(lines_of(PAYLOAD))
    message = b"Content-Type: message/rfc822\r\n\r\n" + inner

    assert [part.octets for part in lift(message).parts] == [PAYLOAD]


def test_every_part_of_a_message_is_lifted() -> None:
    other = PAYLOAD[::-1]
    message = build_part(lines_of(PAYLOAD)) + build_part(
        lines_of(other), b"Content-Transfer-Encoding: BASE64"
    )

    assert [part.octets for part in lift(message).parts] == [PAYLOAD, other]
    assert rebuild(lift(message)) == message


def test_a_part_smaller_than_the_minimum_stays_text() -> None:
    message = build_part(lines_of(PAYLOAD[: MINIMUM - 1]))

    assert lift(message).parts == ()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[:9000] + b"!" + body[9001:],
        lambda body: body[:9000] + b"=" + body[9001:],
        lambda body: body[:9000] + b"\r" + body[9001:],
        lambda body: body[:8000] + body[8000:].replace(b"\r\n", b"\n"),
        lambda body: body[:8000] + body[8000:].replace(b"\r\n", b" \r\n"),
        lambda body: body[:8000] + b"\r\n" + body[8000:],
        lambda body: body + b"\r\n____\r\nA mailing list's footer\r\n",
        lambda body: body[:-4] + b"QR==",
        lambda body: body + b"\r\n" + body,
    ],
    ids=["foreign", "padding", "cr", "lf", "blanks", "short", "footer", "bits", "twice"],
)
def test_a_part_that_is_only_partly_exact_is_lifted_as_far_as_it_is(
    spoil: Callable[[bytes], bytes],
) -> None:
    message = build_part(spoil(lines_of(PAYLOAD)))

    lifted = lift(message)

    assert rebuild(lifted) == message
    assert len(lifted.parts) == 1
    assert PAYLOAD.startswith(lifted.parts[0].octets[:5000])


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"base64",
        b"base64\n",
        b"base64\n\n",
        b"\nbase64\r\n\r\nAAAA",
        b"base64\n\n" + b"A" * 4 * MINIMUM,
        b"base64\n\n" + b"=" * 4 * MINIMUM,
        b"base64\n\n" + b"A" * 4 * MINIMUM + b"=",
        b"base64\n\n" + b"AAAAA\n" * MINIMUM,
        b"base64\n\n" + b"AAAA\n" * MINIMUM + b"A",
        b"base64\r\n\r\nAAAA\r\n" + b"\r\n" * MINIMUM,
        b"BASE64 base64\n\n" + b"AAAA\n" * MINIMUM + b"BASE64\n\n" + b"AAAA\n" * MINIMUM,
    ],
    ids=lambda message: f"{message[:14]!r}x{len(message)}",
)
def test_a_hint_that_leads_nowhere_does_no_harm(message: bytes) -> None:
    assert rebuild(lift(message)) == message
    assert b"".join(windows_of(message, 1000)) == message


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Mail-like octets: texts, headers and encoded bodies, broken in every way."""
    ending = draw(st.sampled_from([b"\r\n", b"\n"]))
    pieces: list[bytes] = []
    for _ in range(draw(st.integers(1, 4))):
        pieces.append(draw(st.binary(max_size=40)))
        header = draw(st.sampled_from([b"X: base64", b"X: BASE64", b"Y: Base64", b"7bit"]))
        size = draw(st.integers(0, 9000))
        length = draw(st.sampled_from([4, 5, 60, 72, 76, 77, 5000, 0]))
        body = bytearray(lines_of((PAYLOAD * 2)[:size], length, ending))
        for _ in range(draw(st.integers(0, 2))):
            at = draw(st.integers(0, len(body)))
            body[at : at + draw(st.integers(0, 2))] = draw(
                st.sampled_from([b"", b"=", b"\n", b"\r", b"-", b"A", b"\r\n", b" \r\n"])
            )
        pieces += [
            ending,
            header,
            ending * 2,
            bytes(body),
            draw(st.sampled_from([b"", ending])),
        ]
    return b"".join(pieces)


@given(messages())
def test_any_message_comes_back_as_it_was(message: bytes) -> None:
    assert rebuild(lift(message)) == message


@given(st.binary(max_size=3000))
def test_any_octets_come_back_as_they_were(octets: bytes) -> None:
    assert rebuild(lift(octets)) == octets
    assert rebuild(lift(b"base64\n\n" + octets)) == b"base64\n\n" + octets


@given(st.lists(messages(), min_size=1, max_size=4), st.integers(10_000, 400_000))
def test_windows_give_back_any_message(pieces: list[bytes], chunk: int) -> None:
    message = b"".join(pieces)
    message += build_part(lines_of(PAYLOAD * 60)) + message

    assert b"".join(windows_of(message, chunk)) == message


@pytest.mark.parametrize("length", [76, 61, 4096, 0])
@pytest.mark.parametrize("after", [b"", b"\r\n--x--\r\n", b"\r\n!\r\n"])
def test_a_part_longer_than_a_window_is_one_part(length: int, after: bytes) -> None:
    payload = PAYLOAD * 100
    message = build_part(lines_of(payload, length), after=after)
    lifter = WindowLifter(window=0)

    runs = [*lifter.feed(message[:700_000]), *lifter.feed(message[700_000:]), *lifter.finish()]

    assert b"".join(run.octets for run in runs if isinstance(run, PartRun)) == payload
    assert sum(isinstance(run, PartEnd) for run in runs) == 1
    assert b"".join(windows_of(message, 100_000)) == message


@pytest.mark.parametrize(
    "unit",
    [
        b"base64 ",
        b"base64\n\n",
        b"base64\n\nAAAA\n",
        b"base64\r\n\n",
        b"base64\n\n" + b"A" * 76 + b"\n",
        b"base64\n\n" + (b"A" * 76 + b"\n") * 36,
        b"ASE64ase64\n\n" + (b"A" * 76 + b"\n") * 36 + b"!\n",
        b"base64\n\n" + b"A" * 3000 + b"\n",
        b"base64 A\n\n" + b"A" * 70_000,
    ],
    ids=range(9),
)
def test_a_hostile_message_takes_linear_time(unit: bytes) -> None:
    def seconds(size: int) -> float:
        message = (unit * (size // len(unit) + 1))[:size]
        start = time.process_time()
        lift(message)
        return time.process_time() - start

    assert seconds(4 << 20) < 20 * max(seconds(1 << 20), 0.02)
