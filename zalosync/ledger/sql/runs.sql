-- name: insert_campaign
INSERT INTO campaign (id, name) VALUES (:id, :name)

-- name: campaigns
SELECT id, name FROM campaign ORDER BY id

-- name: insert_run
INSERT INTO run (id, run_id, command, started_at, started) VALUES (:id, :run_id, :command, :at, :started)

-- name: end_run
UPDATE run SET ended_at = :at, ended = :ended WHERE id = :id AND ended_at IS NULL

-- name: last_run
SELECT COALESCE(MAX(id), 0) FROM run

-- name: runs
SELECT id, run_id, command, started_at, started, ended_at, ended FROM run ORDER BY id

-- name: set_note
INSERT INTO note (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: drop_note
DELETE FROM note WHERE name = :name

-- name: notes
SELECT name, value FROM note ORDER BY name
