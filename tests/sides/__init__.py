"""What features read: banks over the embedding, through a whole run."""
