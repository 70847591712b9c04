"""Published SAEs and models, by name."""
