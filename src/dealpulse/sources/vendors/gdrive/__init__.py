"""Google Drive: a folder or a whole shared drive, listed folder by folder and then followed by its change log."""

from dealpulse.sources.vendors.gdrive.connector import DriveConnector

__all__ = ["DriveConnector"]
