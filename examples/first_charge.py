"""The first screen of the library: open a store, charge, and take a decline as a value."""

from kvota import Declined, Kvota

with Kvota.open("sqlite:///:memory:", catalogue="bitrix24") as kvota:
    kvota.put_company("acme", name="Acme", plan="free", time_zone="Europe/Moscow")

    match kvota.charge("acme", "crm_call_processing", user="ivan", subject="call:8841", key="call-8841"):
        case Declined(reason=reason, retry_at=when):
            print(f"no: {reason}, again at {when}")
        case charge:
            print(f"charged {charge.cost}, {charge.available} left")

    hold = kvota.hold("acme", "site_creation", user="olga")  # how many pictures is not known yet
    kvota.capture("acme", hold.id, quantities={"images": 4})
    print(kvota.balance("acme").available, "left after the site")
