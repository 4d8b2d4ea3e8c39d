"""The HTTP API: parse and authorise here, then ask :mod:`dealpulse.intake`.

``uvicorn dealpulse.web.app:create_app --factory`` serves it.
"""
