"""Sign-in by an OpenID provider: people of the shop come in by the account they have at work.

`wanted` is what the operator decides, `asking` speaks with the provider, `tokens` says whether what it signed holds,
`people` whose account that is; the pages are `web/provider_pages.py`. Nothing is imported here: every command reads
what is wanted, and few need what verifies.

**Source**: OpenID Connect Core 1.0 and Discovery 1.0; RFC 7636 (PKCE), RFC 9207 (issuer in the answer), RFC 9700 (best
current practice for OAuth).
"""
