"""What is read from the graph: whose an identifier is, why, where a customer would part, what to look at."""
