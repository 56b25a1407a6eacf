"""Line ends of messages in files."""

from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.line_ends import has_local_ends, with_crlf
from mailvault.mail.mbox import quoted, unquoted

pieces = st.lists(st.text("\r\nax", max_size=6).map(str.encode), max_size=8)
quotes = st.lists(st.sampled_from([b">", b"From ", b"Fro", b"m ", b"\n", b"x"]), max_size=12)


@given(pieces)
def test_every_lf_has_a_cr_then_wherever_the_pieces_are_cut(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)

    found = b"".join(with_crlf(chunks))

    assert found == whole.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert found.replace(b"\r\n", b"\n") == whole.replace(b"\r\n", b"\n")


def test_the_first_line_tells_whose_line_ends_a_message_has() -> None:
    assert has_local_ends(b"A: b\nC: d\r\n")
    assert has_local_ends(b"\n")
    assert not has_local_ends(b"A: b\r\nC: d\n")
    assert not has_local_ends(b"no line end")


@given(quotes)
def test_unquoting_undoes_quoting_wherever_the_pieces_are_cut(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)

    assert b"".join(unquoted(quoted(chunks))) == whole
    octets = b"".join(quoted([whole]))
    assert b"".join(unquoted(octets[i : i + 1] for i in range(len(octets)))) == whole
