"""Folders of hub repositories: only the files and tensors that are needed are fetched."""

from unembed.load.hub.folder import HubFolder

__all__ = ["HubFolder"]
