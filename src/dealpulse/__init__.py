"""DealPulse background workers: from a deal room to a cited daily brief."""
