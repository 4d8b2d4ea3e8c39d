"""Supabase: rows become models here, one module an aggregate. Every write may be repeated and leaves the same rows."""

from dealpulse.store.client import Store, open_store
from dealpulse.store.emails import StoredEmailContent
from dealpulse.store.sources import SyncedItem

__all__ = ["Store", "StoredEmailContent", "SyncedItem", "open_store"]
