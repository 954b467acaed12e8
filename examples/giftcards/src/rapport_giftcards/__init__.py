"""Gift cards: sold, redeemed, and what is left on each."""
