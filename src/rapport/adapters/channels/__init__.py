"""Channels that carry messages from the outbox to the outside."""
