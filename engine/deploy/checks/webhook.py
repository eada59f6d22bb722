"""Has `cuadre` tell a webhook of a night, and the reference libraries of CloudEvents and Standard Webhooks read
what it tells. Takes the program and an empty folder."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

CUADRE, HOME = Path(sys.argv[1]), Path(sys.argv[2])
SECRET = "whsec_Y3VhZHJlIHRlbGxzIGV2ZXJ5b25lIGF0IG5pZ2h0"
received = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        received.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()

subprocess.run([CUADRE, "demo", HOME / "demo"], capture_output=True)
config = HOME / "demo/cuadre.toml"
config.write_text(
    'language = "es-MX"\n'
    + config.read_text()
    + f"""
[[notify]]
name = "guardia"
url = "http://127.0.0.1:{server.server_port}/"
secret = {{ env = "HOOK_SECRET" }}
"""
)
date = next((HOME / "demo/filings/filings").iterdir()).name[:10]
run = [CUADRE, "run", "--config", config, "--date", date, "--reason", "again"]
done = subprocess.run(run, capture_output=True, text=True, env={"HOOK_SECRET": SECRET})
assert done.returncode in (0, 3), done.stderr
assert len(received) == 1, (received, done.stderr)
headers, body = received[0]

told = Webhook(SECRET).verify(body, headers)
try:
    Webhook(SECRET).verify(body.replace(b"night.filed", b"night.files"), headers)
    raise AssertionError("another body has the same signature")
except WebhookVerificationError:
    pass

event = from_http_event(HTTPMessage({name.lower(): value for name, value in headers.items()}, body))
assert event.get_type() == "cuadre.night.filed", event.get_type()
assert event.get_specversion() == "1.0" and event.get_id() == headers["webhook-id"]
assert event.get_data() == told["data"], event.get_data()
assert "el reporte" in told["data"]["message"], told["data"]["message"]
print(f"standardwebhooks {version('standardwebhooks')}, cloudevents {version('cloudevents')}: {event.get_source()} passed")
