-- What people ask their administrator for: more than they may use. No fact of a ledger; erased with the person.
CREATE TABLE appeals (
    company    TEXT NOT NULL,
    id         TEXT NOT NULL,
    "user"     TEXT NOT NULL,
    text       TEXT,
    wanted     INTEGER CHECK (wanted > 0),
    action     TEXT,
    reason     TEXT,
    cap        TEXT,
    status     TEXT NOT NULL CHECK (status IN ('open', 'granted', 'refused')),
    asked_at   INTEGER NOT NULL,
    closed_at  INTEGER,
    closed_by  TEXT,
    answer     TEXT,
    set_cap    TEXT,
    order_id   TEXT,
    PRIMARY KEY (company, id),
    CHECK ((status = 'open') = (closed_at IS NULL)),
    CHECK ((status = 'granted') = (set_cap IS NOT NULL OR order_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- One open appeal for each person; and what the count beside the page's name is read from.
CREATE UNIQUE INDEX appeals_open ON appeals (company, "user") WHERE status = 'open';
