"""docs/client.md does what it says: its code blocks run against a server, one after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

from kvota.client import Client, Patience
from tests.acceptance.servers import OPERATOR_KEY, serving

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "client.md").read_text()


def test_the_code_of_the_clients_page_runs(tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    with serving(f"sqlite:///{tmp_path}/kvota.db", tmp_path, catalogue="bitrix24") as server:
        with Client(server.url, OPERATOR_KEY) as kvota:
            kvota.put_company("acme", name="Acme", plan="free", time_zone="Europe/Moscow")
            kvota.put_user("acme", "olga", name="Olga")
        code = "\n".join(blocks).replace("http://localhost:8024", server.url)
        environment = {**os.environ, "KVOTA_KEY": OPERATOR_KEY}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "charged 3, 27 left", "3 held", "4 captured",
        "the assistant is not available: server_unreachable",
        "True", "1",
        "True",
        "['ann', 'bob']", "['olga']",
        "1", "unknown_action",
    ]  # fmt: skip


def test_the_table_of_patience_is_as_it_is():
    table = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", PAGE, re.MULTILINE))
    assert {name: float(value) for name, value in table.items()} == {
        name: float(getattr(Patience(), name)) for name in Patience.__struct_fields__
    }


def test_the_readme_points_to_the_page():
    assert "(docs/client.md)" in (ROOT / "README.md").read_text()
