"""The memory: what was intended, sent and proven, per message, in a history that cannot be changed unseen.

`store` has the verbs (one verb is one transaction), `sql/` their statements, `dialect` what differs
between SQLite and PostgreSQL, `chain` the linked events, `migrate` the schema, `pin` the lineage and
serial kept outside, `lock` the exclusive right to write, `key` the project's key file.

Not here: deciding (plan), sending (apply), judging evidence (refresh.merge). No phone, name, value or
body ever reaches this room: only keyed digests, states, codes and times.
"""
