"""JSON shapes, shared by the HTTP API and its client: requests, replies, and their way into the core and out of it.

Pure: nothing here waits or fails, and nothing here knows HTTP.
"""
