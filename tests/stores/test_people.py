"""The directory in the stores: pages, changes, and that every process sees whether there is a department to look up."""

import threading

from kvota.store import Store
from tests.stores.making import load


def has_departments(store: Store) -> bool:
    with store.snapshot() as view, store.begin() as transaction:
        seen = {view.has_departments(), transaction.has_departments()}
    assert len(seen) == 1
    return seen.pop()


def test_whether_anybody_has_a_department_is_seen_at_once_by_every_process(store: Store, other: Store):
    assert not has_departments(other)
    store.put_person("acme", "ann", {"name": "Ann"})
    assert not has_departments(other)
    store.put_person("beta", "bob", {"department": "lab"})
    assert has_departments(other)
    store.put_person("beta", "bob", {"department": None})
    assert not has_departments(other)
    store.put_person("beta", "bob", {"department": "lab"})
    assert store.erase_person("beta", "bob")
    assert not has_departments(other)


def test_departments_are_loaded_by_company_and_user(store: Store):
    for company, user, department in (("acme", "ann", "lab"), ("acme", "bob", None), ("beta", "ann", "sales")):
        store.put_person(company, user, {"department": department})
    wanted = [("acme", "ann"), ("acme", "bob"), ("acme", "cat"), ("beta", "ann"), ("gamma", "ann")]
    assert load(store, departments=wanted).departments == [("acme", "ann", "lab"), ("beta", "ann", "sales")]


def test_changes_of_several_at_once_lose_nothing_and_one_of_them_adds(store: Store, other: Store):
    barrier, made = threading.Barrier(2), []
    fields = {"name": "Ann", "email": "ann@example.com"}

    def put(where: Store, field: str) -> None:
        for number in range(20):
            barrier.wait(60)
            made.append(where.put_person("acme", f"u{number}", {field: fields[field]})[1])

    threads = [threading.Thread(target=put, args=pair) for pair in ((store, "name"), (other, "email"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert made.count(True) == made.count(False) == 20
    with store.snapshot() as view:
        people = view.people("acme", "", 100)
    assert {(one.name, one.email, one.department) for one in people} == {("Ann", "ann@example.com", None)}
    assert [one.user for one in people] == sorted(f"u{number}" for number in range(20))
