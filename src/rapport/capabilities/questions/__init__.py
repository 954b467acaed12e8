"""Questions: a customer is asked a little at a time; each answer is a fact, and becomes what is known of them."""
