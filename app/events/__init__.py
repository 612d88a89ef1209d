"""What happened: the append-only log that is outbox of webhooks, replay of streams and audit trail at once."""
