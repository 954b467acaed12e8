"""What each customer will probably do: order again, when, for how much, or not; and what runs out at their home."""
