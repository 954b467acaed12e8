"""The graph: identifiers, the evidence between them, and the rule that makes customers of both."""
