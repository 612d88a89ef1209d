"""What crosses the wire about tenants, people, tokens and credentials. Secrets come in; only fresh tokens go out."""
