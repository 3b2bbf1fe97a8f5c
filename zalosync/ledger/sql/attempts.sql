-- name: insert_attempt
INSERT INTO attempt (row, message, message_id, campaign, occurrence, attempt, fingerprint, recipient, salt, run,
                     state, closed, created_at, changed_at, cause, status_group, status_id, error_id, channel)
VALUES (:row, :message, :message_id, :campaign, :occurrence, :attempt, :fingerprint, :recipient, :salt, :run,
        :state, 0, :at, :at, 0, 0, 0, 0, 0)

-- name: reclaim_attempt
UPDATE attempt
SET state = :state, run = :run, fingerprint = :fingerprint, recipient = :recipient, salt = :salt,
    changed_at = :at, cause = 0, status_group = 0, status_id = 0, error_id = 0
WHERE row = :row AND state = :expected AND closed = 0

-- name: close_attempt
UPDATE attempt SET closed = 1 WHERE row = :row AND state = :expected AND closed = 0

-- name: move_attempt
UPDATE attempt
SET state = :state, changed_at = :at, cause = :cause, status_group = :status_group, status_id = :status_id,
    error_id = :error_id, channel = :channel, done_at = :done_at, price = :price, evidence = :evidence
WHERE row = :row AND state = :expected

-- name: move_own_intent
UPDATE attempt
SET state = :state, changed_at = :at, cause = :cause, status_group = :status_group, status_id = :status_id,
    error_id = :error_id, channel = :channel, done_at = :done_at, price = :price, evidence = :evidence
WHERE row = :row AND state = :expected AND run = :run

-- name: last_row
SELECT COALESCE(MAX(row), 0) FROM attempt

-- name: open_by_messages
SELECT row, message, message_id, campaign, occurrence, attempt, fingerprint, run, state, cause, status_group,
       status_id, error_id, channel, done_at, price, evidence, created_at, changed_at
FROM attempt WHERE closed = 0 AND message IN (:keys)

-- name: by_message_ids
SELECT row, message, message_id, campaign, occurrence, attempt, fingerprint, run, state, cause, status_group,
       status_id, error_id, channel, done_at, price, evidence, created_at, changed_at
FROM attempt WHERE message_id IN (:keys)

-- name: by_state
SELECT row, message, message_id, campaign, occurrence, attempt, fingerprint, run, state, cause, status_group,
       status_id, error_id, channel, done_at, price, evidence, created_at, changed_at
FROM attempt WHERE state = :state AND state IN (1, 2, 9) AND row > :after ORDER BY row LIMIT :limit

-- name: owned_intents
SELECT COUNT(*) FROM attempt WHERE run = :run AND state = 1 AND row IN (:keys)

-- name: waiting
SELECT campaign, state, COUNT(*), MIN(created_at) FROM attempt WHERE state IN (1, 2, 9) GROUP BY campaign, state

-- name: standings
SELECT message, fingerprint, state, attempt, status_group, status_id, changed_at, evidence IS NULL
FROM attempt WHERE closed = 0 AND message IN (:keys)

-- name: all_attempts
SELECT row, message, message_id, campaign, occurrence, attempt, fingerprint, recipient, salt, run, state, closed,
       created_at, changed_at, cause, status_group, status_id, error_id, channel, done_at, price, evidence
FROM attempt ORDER BY row

-- name: contacts
SELECT recipient, run, campaign, state, created_at FROM attempt WHERE run >= :first AND state NOT IN (5, 10, 11)
