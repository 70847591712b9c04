"""The gate: all that comes from outside is read, bounded and shown by what is in this room."""
