"""Messages to customers: templates in their language, the questions asked before each, and what became of it."""
