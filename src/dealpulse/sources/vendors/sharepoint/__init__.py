"""SharePoint: all libraries of a site, one of them, or a folder in one, followed by each library's delta."""

from dealpulse.sources.vendors.sharepoint.connector import SharePointConnector

__all__ = ["SharePointConnector"]
