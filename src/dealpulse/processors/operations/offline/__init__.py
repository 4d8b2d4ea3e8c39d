"""The answers given without a model: pure functions of the text, every quote verbatim, bounded time."""
