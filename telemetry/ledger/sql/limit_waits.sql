-- Waits for locks end on every server as they end for our sessions on the coordinator, whose settings do not reach the
-- others; this command, given on the coordinator, does.
ALTER DATABASE {name} SET lock_timeout = '10s'
