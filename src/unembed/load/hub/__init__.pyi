from .folder import HubFolder

__all__ = ["HubFolder"]
