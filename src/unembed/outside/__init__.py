"""What comes from outside, read within limits: files, documents and their fields."""
