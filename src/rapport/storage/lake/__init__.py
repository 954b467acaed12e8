"""The lake: every fact in open files (Delta tables of Parquet) that any engine can read, archived from the log."""
