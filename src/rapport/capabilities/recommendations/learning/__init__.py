"""What is learnt from whole visits: an index of sessions, candidates from it, and a ranker trained on later sessions.

Pure and in memory, on arrays; needs the extra `recommendations`. The benchmark and the shop use the same code.
"""
