"""Use cases of messages: to queue one, to ask whether it may go, to write it, to keep what became of it."""
