"""From the hook that directions write to, to the residual stream."""
