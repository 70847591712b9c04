"""Files of named tensors, of which single ones are read: one module a container."""
