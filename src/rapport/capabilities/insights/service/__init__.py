"""What insights are asked, a file for each kind of question; the only place that knows the orders of another slice."""
