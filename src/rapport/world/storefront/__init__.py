"""A shop window over the simulated catalogue, so that a person can be a shopper beside the simulated ones.

Server-rendered. What the visitor does is sent from the browser to Rapport's endpoints with the public write key, as any
website does; what the visitor is shown besides (`product.also`) is asked on the server with the secret API key.
"""
