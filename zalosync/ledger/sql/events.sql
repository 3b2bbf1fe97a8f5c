-- name: insert_event
INSERT INTO event (seq, at, kind, run, intent_serial, status_serial, body, commitments, hash)
VALUES (:seq, :at, :kind, :run, :intent_serial, :status_serial, :body, :commitments, :hash)

-- name: head
SELECT seq, at, intent_serial, status_serial, hash FROM event ORDER BY seq DESC LIMIT 1

-- name: events
SELECT seq, at, kind, run, intent_serial, status_serial, body, commitments, hash FROM event ORDER BY seq

-- name: hash_at
SELECT hash FROM event WHERE seq = :seq

-- name: tally_add
INSERT INTO tally (campaign, occurrence, state, status_group, status_id, error_id, sms_group, sms_id, sms_error,
                   count, price)
VALUES (:campaign, :occurrence, :state, :status_group, :status_id, :error_id, :sms_group, :sms_id, :sms_error,
        :count, :price)
ON CONFLICT (campaign, occurrence, state, status_group, status_id, error_id, sms_group, sms_id, sms_error)
DO UPDATE SET count = tally.count + excluded.count, price = tally.price + excluded.price

-- name: tally
SELECT t.campaign, c.name, t.occurrence, t.state, t.status_group, t.status_id, t.error_id, t.sms_group, t.sms_id,
       t.sms_error, t.count, t.price
FROM tally t JOIN campaign c ON c.id = t.campaign WHERE t.count <> 0
ORDER BY c.name, t.occurrence, t.state

-- name: sending_since
SELECT run, COUNT(*) FROM event
WHERE seq > :seq AND kind IN ('claim', 'outcome', 'resolve', 'cancel', 'adopt') GROUP BY run

-- name: schema_versions
SELECT version_num FROM alembic_version ORDER BY version_num
