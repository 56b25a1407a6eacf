"""What servers are known to say means the same however the network cuts it."""

import random

import pytest

from tests.unit.protocols.conversation import cut, feed, selected, single_octets
from tests.unit.protocols.transcripts import TRANSCRIPTS, Transcript

each_transcript = pytest.mark.parametrize(
    "transcript", TRANSCRIPTS, ids=[transcript.name for transcript in TRANSCRIPTS]
)


@each_transcript
def test_a_transcript_fed_whole_gives_its_values(transcript: Transcript) -> None:
    events, _ = feed(selected(*transcript.in_flight), [transcript.octets])

    assert [(event.value, event.tag) for event in events] == list(transcript.values)


@each_transcript
def test_a_transcript_fed_by_single_octets_gives_the_same(transcript: Transcript) -> None:
    pieces = single_octets(transcript.octets)

    assert feed(selected(*transcript.in_flight), pieces) == feed(
        selected(*transcript.in_flight), [transcript.octets]
    )


@each_transcript
def test_a_transcript_cut_anywhere_gives_the_same(transcript: Transcript) -> None:
    whole = feed(selected(*transcript.in_flight), [transcript.octets])
    chance = random.Random(transcript.name)

    for _ in range(30):
        places = [chance.randrange(len(transcript.octets)) for _ in range(chance.randrange(8))]
        assert feed(selected(*transcript.in_flight), cut(transcript.octets, places)) == whole
