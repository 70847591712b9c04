"""Models: families as data, and the formats that they lie in."""
