"""Acting: timers, the outbox and its channels.

Nothing is sent from a handler: intentions are kept, and carried out here.
"""
