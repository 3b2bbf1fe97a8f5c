"""The first schema: campaigns, runs, attempts, events, notes.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite's row number is an alias of INTEGER PRIMARY KEY only; PostgreSQL needs 64 bits said.
COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run_id", sa.Text, nullable=False, unique=True),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("started", sa.LargeBinary, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("ended", sa.LargeBinary),
    )
    op.create_table(
        "attempt",
        sa.Column("row", COUNTER, primary_key=True, autoincrement=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("message_id", sa.LargeBinary, nullable=False),
        sa.Column("campaign", sa.SmallInteger, sa.ForeignKey("campaign.id"), nullable=False),
        sa.Column("occurrence", sa.Integer, nullable=False),
        sa.Column("attempt", sa.SmallInteger, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("recipient", sa.LargeBinary, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("run", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("closed", sa.SmallInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.SmallInteger, nullable=False),
        # What the strongest evidence about the Zalo message says; the failover SMS has columns of its own.
        sa.Column("status_group", sa.SmallInteger, nullable=False),
        sa.Column("status_id", sa.Integer, nullable=False),
        sa.Column("error_id", sa.Integer, nullable=False),
        sa.Column("done_at", sa.BigInteger),
        sa.Column("price", sa.BigInteger),
        # The status id of a refusal in the answer to the request itself: nobody else can forge that.
        sa.Column("refused", sa.Integer, nullable=False),
        sa.Column("sms_group", sa.SmallInteger, nullable=False),
        sa.Column("sms_id", sa.Integer, nullable=False),
        sa.Column("sms_error", sa.Integer, nullable=False),
        sa.Column("sms_done_at", sa.BigInteger),
        sa.Column("sms_price", sa.BigInteger),
        # When the provider's logs, by its own clock, last had nothing of a message of unknown fate.
        sa.Column("absent_at", sa.BigInteger),
        # Whether an SMS was to take its place: until that one is known to have failed, nothing is sent again.
        sa.Column("failover", sa.SmallInteger, nullable=False),
    )
    # The database itself forbids a second open attempt of a message, whatever bug asks for one.
    op.create_index(
        "one_open_attempt",
        "attempt",
        ["message"],
        unique=True,
        sqlite_where=sa.text("closed = 0"),
        postgresql_where=sa.text("closed = 0"),
    )
    op.create_index("one_message_id", "attempt", ["message_id"], unique=True)
    # States that people wait for are few; finding them must not read every delivered message.
    # Comparisons, since SQLite would build a list anew for each updated row (measured: half of its time).
    pending = sa.text("state < 3 OR state = 9")
    op.create_index("pending", "attempt", ["state"], sqlite_where=pending, postgresql_where=pending)
    # Who is unknown or held since when: the oldest of each campaign, at once. Not of intents, which are many
    # and short.
    since = sa.text("state = 2 OR state = 9")
    op.create_index(
        "waiting_since",
        "attempt",
        ["campaign", "state", "created_at"],
        sqlite_where=since,
        postgresql_where=since,
    )
    # Who was accepted when, as long as nothing more is known: what is late is found without the others.
    accepted = sa.text("state = 4")
    op.create_index(
        "accepted_since",
        "attempt",
        ["campaign", "created_at"],
        sqlite_where=accepted,
        postgresql_where=accepted,
    )
    # Who failed on Zalo, with an SMS to follow of which no end is known: few, and found without the others.
    awaited = sa.text(
        "failover = 1 AND state > 4 AND state < 8 AND refused = 0 AND (sms_group < 2 OR sms_id = 2)"
    )
    op.create_index(
        "sms_awaited",
        "attempt",
        ["campaign", "created_at"],
        sqlite_where=awaited,
        postgresql_where=awaited,
    )
    # Counts by what people ask for, kept in the same transactions, so that `status` reads a few rows
    # whatever the number of messages. `audit verify` recomputes them.
    op.create_table(
        "tally",
        *(
            sa.Column(name, sa.Integer, primary_key=True, autoincrement=False)
            for name in (
                "campaign",
                "occurrence",
                "state",
                "status_group",
                "status_id",
                "error_id",
                "sms_group",
                "sms_id",
                "sms_error",
            )
        ),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "event",
        sa.Column("seq", COUNTER, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("run", sa.Integer),
        sa.Column("intent_serial", sa.BigInteger, nullable=False),
        sa.Column("status_serial", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("commitments", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "note",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
