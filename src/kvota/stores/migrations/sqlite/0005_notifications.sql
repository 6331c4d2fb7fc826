-- What a company has set about being told; one without a row has the defaults. JSON, as "rows.py" says.
CREATE TABLE notifications (
    company  TEXT NOT NULL PRIMARY KEY,
    levels   TEXT NOT NULL,
    kinds    TEXT NOT NULL,
    mail     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What is to be told, written by the transaction in which it came about; the key tells it once.
CREATE TABLE outbox (
    company    TEXT NOT NULL,
    period     INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    topic      TEXT NOT NULL,
    id         TEXT NOT NULL,
    at         INTEGER NOT NULL,
    data       TEXT NOT NULL,
    is_spread  INTEGER NOT NULL CHECK (is_spread IN (0, 1)),
    PRIMARY KEY (company, period, kind, topic),
    UNIQUE (company, id)
) STRICT;

CREATE INDEX outbox_waiting ON outbox (company) WHERE NOT is_spread;
CREATE INDEX outbox_at ON outbox (at);

-- Secrets are made of the store's own and the number of the generation: none stands here.
CREATE TABLE webhooks (
    company           TEXT NOT NULL,
    id                TEXT NOT NULL,
    url               TEXT NOT NULL,
    created_at        INTEGER NOT NULL,
    generation        INTEGER NOT NULL CHECK (generation > 0),
    rotated_at        INTEGER,
    failing_since     INTEGER,
    disabled_at       INTEGER,
    disabled_because  TEXT,
    PRIMARY KEY (company, id),
    CHECK ((disabled_at IS NULL) = (disabled_because IS NULL))
) STRICT, WITHOUT ROWID;

-- One row for each event and each target that it goes to. Instants are the database's own clock, also in a sandbox.
CREATE TABLE deliveries (
    company      TEXT NOT NULL,
    id           TEXT NOT NULL,
    event        TEXT NOT NULL,
    channel      TEXT NOT NULL CHECK (channel IN ('webhook', 'mail')),
    target       TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
    attempts     INTEGER NOT NULL CHECK (attempts >= 0),
    made_at      INTEGER NOT NULL,
    next_at      INTEGER,
    lease        TEXT,
    finished_at  INTEGER,
    answer       INTEGER,
    problem      TEXT,
    PRIMARY KEY (company, id),
    CHECK ((status = 'waiting') = (next_at IS NOT NULL)),
    CHECK ((status = 'waiting') = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_due ON deliveries (next_at) WHERE status = 'waiting';
CREATE INDEX deliveries_made ON deliveries (made_at);

-- Who of several processes does what only one should, until when, and how far it has come.
CREATE TABLE leases (
    name    TEXT NOT NULL PRIMARY KEY,
    until   INTEGER NOT NULL,
    cursor  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
