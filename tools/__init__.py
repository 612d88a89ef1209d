"""What builds and checks the project; nothing of it runs in the service."""
