"""Message ids spelled many at once read as each of them alone."""

from hypothesis import example, given
from hypothesis import strategies as st

from zalosync.compose.message import MESSAGE_ID_BYTES, message_id_text
from zalosync.compose.spelling import message_id_texts

ids = st.binary(min_size=MESSAGE_ID_BYTES, max_size=MESSAGE_ID_BYTES)


@given(st.lists(ids, max_size=120))
@example([bytes([255]) * MESSAGE_ID_BYTES, bytes(MESSAGE_ID_BYTES)])
def test_many_at_once(message_ids: list[bytes]) -> None:
    """However many there are, and whatever bits they have."""
    assert message_id_texts(message_ids) == [message_id_text(each) for each in message_ids]
