"""The lake as people and programs use it: archived by a job, looked after by commands, asked in SQL.

What it is made of stands in `storage/lake/`.
"""
