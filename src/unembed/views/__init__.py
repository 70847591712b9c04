"""Views of a run: they read the store and compute no statistics of logit weights."""
