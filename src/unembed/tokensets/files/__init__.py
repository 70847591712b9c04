"""Files of token sets: definitions in YAML or TOML, and members in GMT."""
