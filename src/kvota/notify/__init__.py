"""Telling companies what they want to know: by signed webhook and by mail."""
