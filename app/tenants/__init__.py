"""Who: tenants, people, tokens and sealed credentials."""
