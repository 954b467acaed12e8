"""The pull: what a shop's webhooks lost is fetched from its own lists, page by page, by what changed since.

A job says when (`jobs.py`), the outbox carries it outside of any transaction (`channel.py`), and each page goes into
the log in the transaction that moves the place in the list (`store.py`). What the webhooks told already makes the same
message ids, so nothing is told twice. What each system's lists are stands in a file of its own.
"""
