"""From bytes to typed blocks: pure and synchronous, meant to run in a process that may be killed."""
