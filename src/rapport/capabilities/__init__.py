"""What the house can do for a shop, one slice a folder. Slices meet by facts, by traits and by front doors."""
