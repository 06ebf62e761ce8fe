import json

from hypothesis import given
from hypothesis import strategies as st

from config.notify import encode, pack


@given(st.lists(st.text(max_size=3_000).filter(lambda text: len(json.dumps(text)) < 7_000)))
def test_packed_messages_come_out_as_they_went_in(texts):
    messages = [encode(topic="chat:1", event="delta", data={"text": text}) for text in texts]
    payloads = list(pack(messages))

    assert all(len(payload.encode()) < 8_000 for payload in payloads)
    lines = [line for payload in payloads for line in payload.split("\n")]
    assert [json.loads(line.split(" ", 2)[2])["text"] for line in lines] == texts


def test_short_messages_share_a_payload():
    messages = [encode(topic="chat:1", event="delta", data={"text": "word"})] * 50
    assert len(list(pack(messages))) == 1


def test_nothing_makes_no_payload():
    assert list(pack([])) == []
