"""Every call of the API, described once: pure functions from a call's arguments to an ``Ask`` of its reply.

The library and both clients carry the same descriptions out, so their methods have the same names, arguments and
replies. ``methods`` is the table of those methods.
"""
