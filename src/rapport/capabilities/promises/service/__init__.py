"""Use cases of promises: to judge them, to make and change one, to tell the customer, to learn from what arrived."""
