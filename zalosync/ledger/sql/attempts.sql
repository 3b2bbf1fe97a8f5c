-- name: insert_attempt
INSERT INTO attempt (row, message, message_id, campaign, occurrence, attempt, fingerprint, recipient, salt, run,
                     state, closed, created_at, changed_at, cause, status_group, status_id, error_id, refused,
                     sms_group, sms_id, sms_error, failover)
VALUES (:row, :message, :message_id, :campaign, :occurrence, :attempt, :fingerprint, :recipient, :salt, :run,
        :state, 0, :at, :at, 0, 0, 0, 0, 0, 0, 0, 0, :failover)

-- name: reclaim_attempt
UPDATE attempt
SET state = :state, run = :run, fingerprint = :fingerprint, recipient = :recipient, salt = :salt,
    failover = :failover, created_at = :at, changed_at = :at, cause = 0, status_group = 0, status_id = 0, error_id = 0,
    done_at = NULL, price = NULL,
    refused = 0, sms_group = 0, sms_id = 0, sms_error = 0, sms_done_at = NULL, sms_price = NULL, absent_at = NULL
WHERE row = :row AND state = :expected AND closed = 0

-- name: close_attempt
UPDATE attempt SET closed = 1 WHERE row = :row AND state = :expected AND closed = 0

-- name: move_attempt
UPDATE attempt
SET state = :state, cause = :cause, status_group = :status_group, status_id = :status_id, error_id = :error_id,
    done_at = :done_at, price = :price, refused = :refused, sms_group = :sms_group,
    sms_id = :sms_id, sms_error = :sms_error, sms_done_at = :sms_done_at, sms_price = :sms_price,
    changed_at = :at
WHERE row = :row AND state = :expected

-- name: move_alike
UPDATE attempt
SET state = :state, cause = :cause, status_group = :status_group, status_id = :status_id, error_id = :error_id,
    done_at = :done_at, price = :price, changed_at = :at
WHERE row = :row AND state = :expected

-- name: move_own_intents
UPDATE attempt
SET state = :state, cause = :cause, status_group = :status_group, status_id = :status_id, error_id = :error_id,
    done_at = :done_at, price = :price, refused = :refused, sms_group = :sms_group,
    sms_id = :sms_id, sms_error = :sms_error, sms_done_at = :sms_done_at, sms_price = :sms_price,
    changed_at = :at
WHERE row BETWEEN :first AND :last AND state = :expected AND run = :run

-- name: last_row
SELECT COALESCE(MAX(row), 0) FROM attempt

-- name: open_by_messages
SELECT row, message, message_id, campaign, occurrence, attempt, fingerprint, run, state, cause, status_group,
       status_id, error_id, done_at, price, refused, sms_group, sms_id, sms_error, sms_done_at,
       sms_price, created_at, changed_at, absent_at, recipient, failover
FROM attempt WHERE closed = 0 AND message IN (:keys)

-- name: by_message_ids
SELECT row, message, message_id, campaign, occurrence, attempt, fingerprint, run, state, cause, status_group,
       status_id, error_id, done_at, price, refused, sms_group, sms_id, sms_error, sms_done_at,
       sms_price, created_at, changed_at, absent_at, recipient, failover
FROM attempt WHERE substr(message_id, 1, 10) IN (:keys)

-- name: by_state
SELECT row, message, message_id, campaign, occurrence, attempt, fingerprint, run, state, cause, status_group,
       status_id, error_id, done_at, price, refused, sms_group, sms_id, sms_error, sms_done_at,
       sms_price, created_at, changed_at, absent_at, recipient, failover
FROM attempt WHERE state = :state AND (state < 3 OR state = 9) AND row > :after ORDER BY row LIMIT :limit

-- name: held
SELECT message, fingerprint, recipient FROM attempt
WHERE campaign = :campaign AND state = 9 AND (state = 2 OR state = 9) AND closed = 0

-- name: handed
SELECT run, campaign, COUNT(*) FROM attempt
WHERE run >= :first AND state NOT IN (5, 9, 10, 11) GROUP BY run, campaign

-- name: owned_intents
SELECT COUNT(*) FROM attempt WHERE run = :run AND state = 1 AND row IN (:keys)

-- name: waiting
SELECT t.campaign, t.state, SUM(t.count),
       CASE t.state
       WHEN 1 THEN (SELECT MIN(a.created_at) FROM attempt a
                    WHERE a.state = 1 AND (a.state < 3 OR a.state = 9) AND a.campaign = t.campaign)
       ELSE (SELECT MIN(a.created_at) FROM attempt a
             WHERE a.campaign = t.campaign AND a.state = t.state AND (a.state = 2 OR a.state = 9))
       END
FROM tally t WHERE t.state < 3 OR t.state = 9 GROUP BY t.campaign, t.state HAVING SUM(t.count) > 0

-- name: standings
SELECT message, fingerprint, state, attempt, status_group, status_id, changed_at,
       refused <> 0 AND refused = status_id, failover, sms_group, sms_id
FROM attempt WHERE closed = 0 AND message IN (:keys)

-- name: standings_between
SELECT message, fingerprint, state, attempt, status_group, status_id, changed_at,
       refused <> 0 AND refused = status_id, failover, sms_group, sms_id
FROM attempt WHERE closed = 0 AND message BETWEEN :first AND :last AND (state NOT IN (4, 8) OR attempt <> 1)

-- name: taken_between
SELECT COUNT(*), group_concat(CASE WHEN state IN (4, 8) AND attempt = 1 THEN hex(message) || hex(fingerprint) END, '')
FROM attempt WHERE closed = 0 AND message BETWEEN :first AND :last

-- name: rows_of
SELECT row FROM attempt WHERE substr(message_id, 1, 10) IN (:keys)

-- name: evidenced
SELECT message_id, row, campaign, occurrence, state, cause, status_group, status_id, error_id, done_at, price,
       refused, sms_group, sms_id, sms_error, sms_done_at, sms_price
FROM attempt WHERE row IN (:keys)

-- name: absent
UPDATE attempt SET absent_at = :absent_at WHERE row = :row AND state = 2

-- name: accepted_before
SELECT campaign, COUNT(*), MIN(created_at) FROM attempt
WHERE state = 4 AND campaign = :campaign AND created_at < :before GROUP BY campaign

-- name: late_some
SELECT COUNT(*), MIN(created_at) FROM (
    SELECT created_at FROM attempt WHERE state = 4 AND campaign = :campaign AND created_at < :before
    ORDER BY created_at LIMIT :limit
) some

-- name: accepted_after
SELECT 1 FROM attempt WHERE state = 4 AND campaign = :campaign AND created_at >= :since LIMIT 1

-- name: sms_open
SELECT state, status_group, status_id, error_id, sms_group, sms_id, sms_error, COUNT(*), MIN(created_at)
FROM attempt
WHERE failover = 1 AND state > 4 AND state < 8 AND refused = 0 AND (sms_group < 2 OR sms_id = 2)
      AND campaign = :campaign AND occurrence = :occurrence AND created_at >= :since AND created_at < :before
GROUP BY state, status_group, status_id, error_id, sms_group, sms_id, sms_error

-- name: late
SELECT row, message, message_id, campaign, occurrence, attempt, fingerprint, run, state, cause, status_group,
       status_id, error_id, done_at, price, refused, sms_group, sms_id, sms_error, sms_done_at,
       sms_price, created_at, changed_at, absent_at, recipient, failover
FROM attempt
WHERE state = 4 AND campaign = :campaign AND created_at >= :since AND created_at < :before
      AND (created_at > :after OR (created_at = :after AND row > :row))
ORDER BY created_at, row LIMIT :limit

-- name: all_attempts
SELECT row, message, message_id, campaign, occurrence, attempt, fingerprint, recipient, salt, run, state, closed,
       created_at, changed_at, cause, status_group, status_id, error_id, done_at, price, refused,
       sms_group, sms_id, sms_error, sms_done_at, sms_price, absent_at, failover
FROM attempt ORDER BY row

-- name: contacts
SELECT recipient, run, campaign, state, created_at FROM attempt WHERE run >= :first AND state NOT IN (5, 10, 11)

-- name: messaged
SELECT group_concat(hex(recipient), '') FROM attempt
WHERE row BETWEEN :from AND :to AND run >= :first AND created_at >= :since AND state NOT IN (5, 10, 11)

-- name: messaged_among
SELECT DISTINCT recipient FROM attempt
WHERE run >= :first AND created_at >= :since AND state NOT IN (5, 10, 11) AND recipient IN (:keys)
