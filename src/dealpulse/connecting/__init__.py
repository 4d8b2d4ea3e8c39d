"""Accounts, the sources they read, and what vendors tell of those: what the API and the command line share."""
