"""The API's benchmark: the service under load, a bare route beside it, and what fills a system for it."""
