"""What operators did in the stores: noted together with what was done, or not at all, newest first."""

import pytest

from kvota.acts import Act, act
from kvota.store import ApiKey, Conflict, Store, StoredCatalogue
from tests.stores.making import NOW, account, save


def done(name: str, company: str | None = "acme") -> Act:
    return act(NOW, "key_1", name, company, reason="because")


def names(store: Store, company: str | None = None) -> list[str]:
    with store.snapshot() as view:
        return [one.act for one in view.acts(company, "", 100)]


def key(name: str, hashed: str) -> ApiKey:
    return ApiKey(id=name, hash=hashed, role="admin", company="acme")


def test_they_are_listed_newest_first_by_company_and_in_pages(store: Store):
    acts = [done("suspend"), done("resume", "beta"), done("load_catalogue", None), done("adjust")]
    for one in acts:
        store.note(one)
    assert names(store) == ["adjust", "load_catalogue", "resume", "suspend"]
    assert names(store, "acme") == ["adjust", "suspend"]
    with store.snapshot() as view:
        assert view.acts(None, acts[2].id, 1) == [acts[1]]
        assert view.acts(None, acts[0].id, 9) == []


def test_what_is_refused_is_not_noted(store: Store):
    save(store, "first", created=[account("acme")], acts=[done("put_company")])
    with pytest.raises(Conflict):
        save(store, "second", created=[account("acme")], acts=[done("suspend")])
    assert names(store) == ["put_company"]


def test_what_changes_nothing_is_not_noted(store: Store):
    store.add_key(key("key_7", "h"), done("make_key"))
    store.add_key(key("key_8", "h"), done("make_key"))
    assert not store.revoke_key("acme", "key_9", NOW, done("revoke_key"))
    assert not store.erase_person("acme", "nobody", done("erase_user"))
    assert names(store) == ["make_key"]
    assert store.revoke_key("acme", "key_7", NOW, done("revoke_key"))
    catalogue = StoredCatalogue(number=0, id="c", version="1", effective_at=0, loaded_at=0, text="")
    for _ in range(2):
        store.add_catalogue(catalogue, act=done("load_catalogue", None))
    assert names(store) == ["load_catalogue", "revoke_key", "make_key"]
