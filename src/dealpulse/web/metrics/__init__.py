"""``/metrics`` for Prometheus: what the workers tell through Redis and what the database knows, in one scrape."""
