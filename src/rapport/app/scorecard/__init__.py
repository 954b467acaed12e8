"""The demonstration's scorecard: how well customers match the simulated people, measured again and again.

Only where the truth is known can this be said: `world.truth` is held against the table of identifiers. `measure` does
so, `series` keeps each measurement as a line of `scorecard.jsonl` in the data folder, `page` shows them in the console.
"""
