"""The nouns every room shares: facts, identifiers, money, time, errors and mergeable values. No I/O here."""
