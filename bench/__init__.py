"""What the service costs, measured beside a floor that does as little as can be done. See ``docs/performance.md``."""
