"""Message ids by their first half: an index entry need not hold all 20 bytes of what the row has anyway.

Ten bytes are as good as unique: among a hundred million ids the chance of two alike is one in 250 million.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the index."""
    op.drop_index("one_message_id", "attempt")
    op.create_index("one_message_id", "attempt", [sa.text("substr(message_id, 1, 10)")], unique=True)
