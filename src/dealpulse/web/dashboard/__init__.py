"""The operations dashboard: pages for people who run this, at ``/``.

Its pages show what the API answers, from the very same handlers, and its buttons do what the API does: there is no
second way to anything. They are whole HTML pages without a build step; a little script replaces what has changed.
"""
