"""Learned links: people without a shared id, tied by what their records have in common.

`comparisons` say how alike two records are, aspect by aspect, and `comparer` puts them together. Offline, `training`
learns from the shop's own records how much each agreement and disagreement tells; the result is a `LinkModel`, plain
JSON. Live, `scorer` finds a record's few likely twins through `blocking` keys and weighs them with the same model;
`clusters` asks whether a record fits a whole person and not only one of its records. `store` keeps what was found,
`linker` turns it into evidence that can be explained and withdrawn, `households` groups and never merges.
"""
