"""The audit trail as people and programs see it: searched, proven, checked, handed out."""
