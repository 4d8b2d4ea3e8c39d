"""Outlook: the mail folders of a mailbox, or some of them, each followed by its delta."""

from dealpulse.sources.vendors.outlook.connector import OutlookConnector

__all__ = ["OutlookConnector"]
