"""Gmail: the messages of a mailbox, or those with certain labels or found by a search, and then its history."""

from dealpulse.sources.vendors.gmail.connector import GmailConnector

__all__ = ["GmailConnector"]
