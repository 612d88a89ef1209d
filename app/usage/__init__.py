"""How much: the ledger, limits and the event log."""
