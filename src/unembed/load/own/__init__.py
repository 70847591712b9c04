"""A model's own parts as features: its MLP neurons, and the outputs of its attention heads."""
