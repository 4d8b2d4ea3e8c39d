"""Who may ask for what: tokens, users of the app, programs on this machine, and what each of them may do.

A request passes three gates, in this order: :class:`~dealpulse.web.access.door.Door` says who asks, the endpoint's
scope says whether they may, and for a user of the app the deal the request is about says whether it is theirs. An
endpoint that does not say which deal it is about is closed to users.
"""
