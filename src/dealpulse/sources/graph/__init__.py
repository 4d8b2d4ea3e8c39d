"""What SharePoint and Outlook share: Microsoft Graph, its pages, its changes and its subscriptions."""

from dealpulse.sources.graph.client import Graph, Page
from dealpulse.sources.graph.subscriptions import Watch

__all__ = ["Graph", "Page", "Watch"]
