"""A client to be killed: `client.py PORT KEY NAME BODY`; a BODY of `null` is half a call. Tells how far it has come."""

import http.client
import sys
import time

port, key, name, body = sys.argv[1:]
line = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
headers = {"Authorization": f"Bearer {key}", "X-Kvota-User": name, "Idempotency-Key": name}
line.putrequest("POST", "/openai/v1/chat/completions")
for header, value in headers.items():
    line.putheader(header, value)
line.putheader("Content-Length", "500" if body == "null" else str(len(body)))
line.endheaders(b"{" if body == "null" else body.encode())
sys.stdout.write("sent\n")
sys.stdout.flush()
if body != "null":
    line.getresponse().read1()
    sys.stdout.write("begun\n")
    sys.stdout.flush()
time.sleep(60)
