"""What is told when something goes wrong: on stderr, what, the value, what would be right, what to do; and the code."""

import json
import os
import pty
import socket
import subprocess

import pytest

from tests.cli.processes import KVOTA, OPERATOR_KEY, Kvota, environment

MISTAKES = [
    (("charge", "{acme}", "no_such_action"), ["no_such_action", "catalogue show"]),
    (("charge", "{acme}", "site_creation"), ["images", "--quantity"]),
    (("charge", "{acme}", "site_creation", "-q", "images=-1"), ["images", "-1", "0"]),
    (("charge", "{acme}", "site_creation", "-q", "images"), ["--quantity", "images=3"]),
    (("charge", "{acme}", "site_creation", "-q", "images=1", "-q", "images=2"), ["twice"]),
    (("balance", "nobody"), ["nobody", "company list"]),
    (("balance", "a/b"), ["a/b"]),
    (("company", "set", "{acme}"), ["--name"]),
    (("company", "set", "{acme}", "--time-zone", "Mars/Olympus"), ["Mars/Olympus"]),
    (("plan", "change", "{acme}", "no_such_plan"), ["no_such_plan", "catalogue show"]),
    (("boost", "add", "{acme}", "no_such_boost"), ["no_such_boost", "catalogue show"]),
    (("key", "create", "{acme}", "--role", "member"), ["user"]),
    (("entries", "{acme}", "--limit", "0"), ["limit"]),
    (("usage", "{acme}", "--by", "moon"), ["moon"]),
    (("void", "{acme}", "hld_1"), ["hld_1", "entries"]),
]


def test_a_caller_who_erred_is_told_what_would_be_right_and_exits_2(kvota, acme):
    for arguments, told in MISTAKES:
        ended = kvota(*(argument.format(acme=acme) for argument in arguments))
        assert ended.code == 2, ended
        assert ended.out == ""
        assert ended.err.startswith("error: ")
        assert "Traceback" not in ended.err
        for word in told:
            assert word in ended.err, ended.err


@pytest.mark.parametrize("arguments", [("no-such-command",), ("balance",), ("balance", "acme", "--no-such-option")])
def test_a_wrong_command_line_exits_2(embedded, arguments):
    ended = embedded(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err


def test_an_error_as_json_is_the_problem_of_the_api(kvota, acme):
    ended = kvota("charge", acme, "no_such_action", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert json.loads(ended.err)["code"] == "unknown_action"


def test_messages_of_the_api_come_in_the_language_asked_for(kvota, acme):
    assert any("а" <= letter <= "я" for letter in kvota("charge", acme, "none", "--lang", "ru").err)
    assert any("а" <= letter <= "я" for letter in kvota.with_settings(LANG="ru_RU.UTF-8")("charge", acme, "none").err)
    assert not any("а" <= letter <= "я" for letter in kvota("charge", acme, "none").err)


def test_a_server_that_is_not_there_exits_3(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        kvota = Kvota(tmp_path, {"KVOTA_URL": url, "KVOTA_KEY": OPERATOR_KEY})
        for command in (("balance", "acme"), ("catalogue", "show")):
            ended = kvota(*command)
            assert ended.code == 3, ended
            assert url in ended.err
            assert "kvota serve" in ended.err


def test_a_store_that_cannot_be_reached_exits_3(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://kvota:secret@127.0.0.1:{unused.getsockname()[1]}/kvota"
        ended = Kvota(tmp_path, {"KVOTA_STORE": url})("balance", "acme")
    assert ended.code == 3, ended
    assert "secret" not in ended.err
    assert "Traceback" not in ended.err


def test_a_server_asks_for_a_key_that_it_knows(server, tmp_path):
    without = Kvota(tmp_path, {"KVOTA_URL": server.url})("balance", "acme")
    assert (without.code, "KVOTA_KEY" in without.err) == (2, True)
    wrong = Kvota(tmp_path, {"KVOTA_URL": server.url, "KVOTA_KEY": "kv_wrong"})("balance", "acme")
    assert (wrong.code, "--key" in wrong.err) == (2, True)


def test_a_slip_in_the_name_of_a_store_makes_no_store(tmp_path):
    ended = Kvota(tmp_path, {"KVOTA_STORE": "sqlite:///kvoat.db"})("balance", "acme")
    assert ended.code == 2
    assert "kvoat.db" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_server_and_a_store_cannot_both_be_named(embedded):
    ended = embedded("balance", "acme", "--url", "http://127.0.0.1:1", "--store", "sqlite:///x.db")
    assert (ended.code, "--store" in ended.err) == (2, True)


def test_a_store_that_is_named_wins_over_the_environments_server(embedded):
    embedded.ok("company", "create", "acme", "--name", "Acme", "--plan", "free")
    kvota = embedded.with_settings(KVOTA_URL="http://127.0.0.1:1", KVOTA_KEY="kv_x")
    assert kvota("balance", "acme").code == 3
    kvota.ok("balance", "acme", "--store", embedded.settings["KVOTA_STORE"])


def test_a_command_leaves_the_catalogue_of_the_store_in_force(embedded):
    text = (
        '[catalogue]\nid = "ours"\nversion = "1"\neffective_from = 2026-01-01T00:00:00Z\n'
        '[tools]\nchat = { en = "Chat", ru = "Чат" }\n'
        '[actions.ask]\ntool = "chat"\nbase = 1\n[plans.only]\nallowance = 5\n'
    )
    (embedded.folder / "ours.toml").write_text(text)
    own = embedded.with_settings(KVOTA_CATALOGUE="ours.toml")
    own.ok("company", "create", "acme", "--name", "Acme", "--plan", "only")
    shown = embedded.ok("catalogue", "show")
    assert "ours 1" in shown.out
    assert "EXAMPLES" not in shown.err
    embedded.ok("charge", "acme", "ask")


def on_a_terminal(kvota, *arguments):
    """The output of a command whose stdout is a terminal."""
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        [*KVOTA, *arguments], cwd=kvota.folder, env=environment({"TERM": "xterm-256color", **kvota.settings}),
        stdin=subprocess.DEVNULL, stdout=its_end, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(its_end)
    shown = b""
    try:
        while part := os.read(terminal, 65536):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0
    return shown.decode()


def test_tables_and_colours_are_for_terminals(embedded):
    embedded.ok("company", "create", "acme", "--name", "[bold]A[/bold]", "--plan", "free")
    assert "\x1b[" in on_a_terminal(embedded, "company", "show", "acme")
    assert "[bold]A[/bold]" in on_a_terminal(embedded, "company", "show", "acme")
    assert "\x1b[" not in on_a_terminal(embedded.with_settings(NO_COLOR="1"), "company", "show", "acme")
    assert "\x1b[" not in embedded.ok("company", "show", "acme").out
    json.loads(on_a_terminal(embedded, "company", "show", "acme", "--json"))


def test_a_reader_that_has_had_enough_is_no_error(embedded):
    embedded.ok("company", "create", "acme", "--name", "Acme", "--plan", "free")
    command = [*KVOTA, "catalogue", "show"]
    process = subprocess.Popen(
        command, cwd=embedded.folder, env=environment(embedded.settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
