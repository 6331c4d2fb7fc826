"""Whoever waits for a socket that says nothing is told in the end, and nobody else."""

import socket

from kvota.stores.watch import Watch


def test_a_wait_for_a_silent_peer_ends():
    ours, theirs = socket.socketpair()
    watch = Watch(0.0)
    with ours, theirs:
        with watch.waiting(ours.fileno()):
            assert ours.recv(1) == b""
        watch.close()


def test_a_socket_that_nobody_waits_for_any_more_stays():
    ours, theirs = socket.socketpair()
    other, far = socket.socketpair()
    watch = Watch(0.0)
    with ours, theirs, other, far:
        with watch.waiting(other.fileno()):
            pass
        with watch.waiting(ours.fileno()):
            assert ours.recv(1) == b""
        far.send(b"x")
        assert other.recv(1) == b"x"
        watch.close()


def test_a_wait_is_its_own_even_where_a_number_is_given_again():
    ours, theirs = socket.socketpair()
    watch = Watch(60.0)
    with ours, theirs:
        first, second = watch.waiting(ours.fileno()), watch.waiting(ours.fileno())
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)
    watch.close()
