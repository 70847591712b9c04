"""What a person says of sets whose names do not say it: one table a subject."""
