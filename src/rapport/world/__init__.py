"""A simulated shop whose truth is known, for demonstrations, benchmarks and tests. It speaks as any client does.

`timeline.World` makes the messages, `client.Sender` delivers them over HTTP, `truth` tells who was really who and
`storefront` is a small shop window a person can walk through.
"""
