"""Room 3, remember: facts become traits, traits become the Golden Record.

`inputs` takes values out of facts, `orders` and `cart` are the two larger mergeable values, `traits` declares what is
remembered, `strands` folds facts into strands (the worker's hot path), `golden` merges the strands of a customer into
its Golden Record, `customers` keeps the list that the console shows, `digest` proves that two installations agree.
"""
