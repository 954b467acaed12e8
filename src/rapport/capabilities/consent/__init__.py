"""What may be done with whom: purposes and policies as data, people's answers, and the one gate that all doors ask."""
