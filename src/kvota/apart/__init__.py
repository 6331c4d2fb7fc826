"""The engine in a process of its own, which decides and writes while the server's speaks HTTP."""
