"""Published SAEs, by the names that people already use."""
