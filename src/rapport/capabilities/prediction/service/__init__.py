"""How predictions are made: customers as their orders tell them, the fit, and what is said of each."""
