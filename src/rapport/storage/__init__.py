"""Where everything is kept: one SQL engine (SQLite or PostgreSQL), the log of facts, leases, migrations."""
