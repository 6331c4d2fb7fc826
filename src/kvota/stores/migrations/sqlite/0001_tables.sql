-- Company first in every key that a decision touches. Instants are milliseconds since the epoch. Columns named in
-- "rows.py" as JSON hold JSON text. STRICT: a value of the wrong type is refused. WITHOUT ROWID where rows are small:
-- one tree instead of two. Wide rows in a tree by key cost a third of the rate (19,000 charges/s instead of 30,000).

CREATE TABLE accounts (
    company             TEXT NOT NULL PRIMARY KEY,
    name                TEXT NOT NULL,
    plan                TEXT NOT NULL,
    time_zone           TEXT NOT NULL,
    created_at          INTEGER NOT NULL,
    scheduled_plan      TEXT,
    next_time_zone      TEXT,
    locale              TEXT NOT NULL,
    allowance_override  INTEGER CHECK (allowance_override >= 0),
    tools_off           TEXT NOT NULL,
    require_user        INTEGER NOT NULL CHECK (require_user IN (0, 1)),
    suspended           INTEGER NOT NULL CHECK (suspended IN (0, 1)),
    seq                 INTEGER NOT NULL CHECK (seq >= 0),
    hash                TEXT NOT NULL,
    at                  INTEGER NOT NULL,
    period              INTEGER NOT NULL,
    period_start        INTEGER NOT NULL,
    period_end          INTEGER NOT NULL,
    used                INTEGER NOT NULL CHECK (used >= 0),
    held                INTEGER NOT NULL CHECK (held >= 0),
    boosts_left         INTEGER NOT NULL CHECK (boosts_left >= 0),
    boosts_held         INTEGER NOT NULL CHECK (boosts_held >= 0),
    live_boosts         INTEGER NOT NULL CHECK (live_boosts >= 0),
    open_holds          INTEGER NOT NULL CHECK (open_holds >= 0),
    caps                INTEGER NOT NULL CHECK (caps >= 0),
    slept_in            INTEGER NOT NULL,
    slots               INTEGER NOT NULL CHECK (slots >= 0),
    hour                INTEGER NOT NULL,
    hour_slots          INTEGER NOT NULL,
    previous_slots      INTEGER NOT NULL,
    spending_zones      TEXT NOT NULL,
    orders              INTEGER NOT NULL CHECK (orders >= 0),
    CHECK (period_start <= period_end),
    CHECK (0 <= previous_slots AND previous_slots <= hour_slots AND hour_slots <= slots)
) STRICT;

-- "body" is the canonical JSON, exactly as it was hashed. The rest of the columns is what is looked for.
CREATE TABLE entries (
    company  TEXT NOT NULL,
    seq      INTEGER NOT NULL CHECK (seq > 0),
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    action   TEXT,
    "user"   TEXT,
    slot     INTEGER CHECK (slot > 0),
    refunds  INTEGER CHECK (refunds < seq),
    hash     TEXT NOT NULL CHECK (length(hash) = 64),
    body     TEXT NOT NULL,
    PRIMARY KEY (company, seq)
) STRICT;

-- The sliding hour: when the call "limit" slots back was.
CREATE INDEX entries_slot ON entries (company, slot, at) WHERE slot IS NOT NULL;

-- A charge has at most one refund.
CREATE UNIQUE INDEX entries_refunds ON entries (company, refunds) WHERE refunds IS NOT NULL;

-- Filtered lists. Only ledgers that have grown long pay for them: the first 5,000 entries of a company are found by the
-- primary key ("reading.py" knows the number). With 10,000 companies these indexes would cost a fifth of the rate; a
-- single busy company pays a tenth. There is no index on "at": it never decreases along "seq", so halving finds it.
CREATE INDEX entries_kind ON entries (company, kind, seq) WHERE seq > 5000;
CREATE INDEX entries_user ON entries (company, "user", seq) WHERE seq > 5000 AND "user" IS NOT NULL;
CREATE INDEX entries_action ON entries (company, action, seq) WHERE seq > 5000 AND action IS NOT NULL;

CREATE TABLE holds (
    company       TEXT NOT NULL,
    id            TEXT NOT NULL,
    action        TEXT NOT NULL,
    tool          TEXT NOT NULL,
    "user"        TEXT,
    department    TEXT,
    subject       TEXT,
    quantities    TEXT NOT NULL,
    stages        TEXT,
    held          INTEGER NOT NULL CHECK (held >= 0),
    draws         TEXT NOT NULL,
    at            INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    period_start  INTEGER NOT NULL,
    entry         INTEGER NOT NULL,
    catalogue     TEXT NOT NULL,
    available     INTEGER NOT NULL,
    measures      TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('open', 'captured', 'void', 'expired')),
    captured      TEXT,
    cost          INTEGER CHECK (cost >= 0),
    returned      INTEGER NOT NULL CHECK (returned >= 0 AND returned <= held),
    written_off   INTEGER NOT NULL CHECK (written_off >= 0),
    charge        TEXT,
    paid          TEXT NOT NULL,
    closed_at     INTEGER,
    PRIMARY KEY (company, id),
    CHECK ((status = 'open') = (closed_at IS NULL)),
    CHECK ((status = 'open') = (cost IS NULL)),
    CHECK ((status = 'captured') = (charge IS NOT NULL))
) STRICT;

CREATE INDEX holds_open ON holds (company, expires_at) WHERE status = 'open';

-- Lists of the rare outcomes; the common ones are found by the primary key soon enough.
CREATE INDEX holds_ended ON holds (company, status, id) WHERE status IN ('void', 'expired');

CREATE TABLE boosts (
    company     TEXT NOT NULL,
    id          TEXT NOT NULL,
    boost       TEXT,
    amount      INTEGER NOT NULL CHECK (amount > 0),
    added_at    INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    order_id    TEXT,
    reason      TEXT,
    used        INTEGER NOT NULL CHECK (used >= 0),
    held        INTEGER NOT NULL CHECK (held >= 0),
    status      TEXT NOT NULL CHECK (status IN ('live', 'expired', 'revoked')),
    has_left    INTEGER NOT NULL GENERATED ALWAYS AS (status = 'live' AND amount > used + held) STORED,
    PRIMARY KEY (company, id),
    CHECK (amount >= used + held)
) STRICT;

CREATE INDEX boosts_live ON boosts (company, expires_at) WHERE status = 'live';

-- A company may have a thousand live boosts that are used up: a charge looks only at the others.
CREATE INDEX boosts_left ON boosts (company) WHERE has_left;

-- An order is credited once.
CREATE UNIQUE INDEX boosts_order ON boosts (company, order_id) WHERE order_id IS NOT NULL;

CREATE TABLE stages (
    company     TEXT NOT NULL,
    subject     TEXT NOT NULL,
    stage       TEXT NOT NULL,
    standing    INTEGER NOT NULL CHECK (standing > 0),
    charge      TEXT NOT NULL,
    draws       TEXT NOT NULL,
    at          INTEGER NOT NULL,
    tool        TEXT NOT NULL,
    action      TEXT NOT NULL,
    "user"      TEXT,
    department  TEXT,
    PRIMARY KEY (company, subject, stage)
) STRICT, WITHOUT ROWID;

CREATE TABLE caps (
    company   TEXT NOT NULL,
    id        TEXT NOT NULL,
    scope     TEXT NOT NULL CHECK (scope IN ('user', 'users', 'department', 'tool')),
    name      TEXT,
    requests  INTEGER NOT NULL CHECK (requests >= 0),
    per       TEXT NOT NULL CHECK (per IN ('day', 'week', 'month')),
    until     INTEGER,
    PRIMARY KEY (company, id),
    CHECK ((scope = 'users') = (name IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    company     TEXT NOT NULL,
    id          TEXT NOT NULL,
    boost       TEXT NOT NULL,
    amount      INTEGER NOT NULL CHECK (amount > 0),
    valid_days  INTEGER NOT NULL CHECK (valid_days > 0),
    price       TEXT,
    suspends    INTEGER NOT NULL CHECK (suspends IN (0, 1)),
    ordered_at  INTEGER NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'dropped')),
    reference   TEXT,
    credited    TEXT,
    closed_at   INTEGER,
    PRIMARY KEY (company, id),
    CHECK ((status = 'paid') = (credited IS NOT NULL)),
    CHECK ((status = 'pending') = (closed_at IS NULL))
) STRICT;

-- One row for a quarter of an hour (UTC) and who did what where; '' stands for no user or department.
CREATE TABLE statistics (
    company      TEXT NOT NULL,
    quarter      INTEGER NOT NULL CHECK (quarter % 900000 = 0),
    tool         TEXT NOT NULL,
    action       TEXT NOT NULL,
    "user"       TEXT NOT NULL,
    department   TEXT NOT NULL,
    calls        INTEGER NOT NULL CHECK (calls >= 0),
    requests     INTEGER NOT NULL CHECK (requests >= 0),
    refunded     INTEGER NOT NULL CHECK (refunded >= 0),
    written_off  INTEGER NOT NULL CHECK (written_off >= 0),
    PRIMARY KEY (company, quarter, tool, action, "user", department)
) STRICT, WITHOUT ROWID;

CREATE TABLE declines (
    company  TEXT NOT NULL,
    day      TEXT NOT NULL,
    reason   TEXT NOT NULL,
    tool     TEXT NOT NULL,
    "user"   TEXT NOT NULL,
    count    INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (company, day, reason, tool, "user")
) STRICT, WITHOUT ROWID;

-- The sums for caps: what a user, department or tool has spent since the start of a day.
CREATE TABLE spending (
    company  TEXT NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('user', 'department', 'tool')),
    name     TEXT NOT NULL,
    since    INTEGER NOT NULL,
    amount   INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (company, kind, name, since)
) STRICT, WITHOUT ROWID;

-- The first reply of each idempotency key.
CREATE TABLE replies (
    company  TEXT NOT NULL,
    key      TEXT NOT NULL,
    request  TEXT NOT NULL,
    at       INTEGER NOT NULL,
    reply    TEXT NOT NULL,
    PRIMARY KEY (company, key)
) STRICT;

CREATE TABLE api_keys (
    id          TEXT NOT NULL PRIMARY KEY,
    hash        TEXT NOT NULL UNIQUE,
    role        TEXT NOT NULL,
    company     TEXT,
    "user"      TEXT,
    label       TEXT,
    actions     TEXT,
    created_at  INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_company ON api_keys (company, id) WHERE revoked_at IS NULL;

CREATE TABLE catalogues (
    number        INTEGER NOT NULL PRIMARY KEY,
    id            TEXT NOT NULL,
    version       TEXT NOT NULL UNIQUE,
    effective_at  INTEGER NOT NULL,
    loaded_at     INTEGER NOT NULL,
    text          TEXT NOT NULL
) STRICT;

-- The transactions of the last day: what a lost COMMIT is looked for in.
CREATE TABLE batches (
    id  TEXT NOT NULL PRIMARY KEY,
    at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX batches_at ON batches (at);

CREATE TABLE meta (
    name   TEXT NOT NULL PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
