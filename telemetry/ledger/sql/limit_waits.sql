-- Waits for locks end on every server as they end on the coordinator, whose settings do not reach the others.
ALTER DATABASE {name} SET lock_timeout = '10s'
