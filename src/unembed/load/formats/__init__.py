"""Where published dictionaries keep their directions: one module a format."""
