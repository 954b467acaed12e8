"""What people do to the graph: each action with its entry in the audit trail, tried first, undone later."""
