"""Room 1, collect: accepts messages from every channel, makes canonical facts of them and appends those to the log.

The way of a message: `endpoints` (HTTP) or an importer → `envelope` (a request's body, cut into messages) → `validate`
(one message, read tolerantly) → `prepare` (the canonical fact and its log row) → `appender` (group commit) → the log.
What cannot become a fact goes to `quarantine` in the same commit, with its reason, to be mended and replayed.
"""
