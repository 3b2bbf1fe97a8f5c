"""Attempts by run: frequency caps ask for what recent runs sent, and must not read all that was ever sent.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("by_run", "attempt", ["run"])
