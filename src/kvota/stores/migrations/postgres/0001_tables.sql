-- Company first in every key that a decision touches. Instants are milliseconds since the epoch. Columns named in
-- "rows.py" as JSON hold JSON text. Collation "C" orders keys by their code points, as Python and SQLite do.
-- Fillfactor 70 leaves room beside a hot row for its next versions, so that its indexes need not change.

CREATE TABLE accounts (
    company             text COLLATE "C" NOT NULL PRIMARY KEY,
    name                text NOT NULL,
    plan                text NOT NULL,
    time_zone           text NOT NULL,
    created_at          bigint NOT NULL,
    scheduled_plan      text,
    next_time_zone      text,
    locale              text NOT NULL,
    allowance_override  bigint CHECK (allowance_override >= 0),
    tools_off           text NOT NULL,
    require_user        boolean NOT NULL,
    suspended           boolean NOT NULL,
    seq                 bigint NOT NULL CHECK (seq >= 0),
    hash                text NOT NULL,
    at                  bigint NOT NULL,
    period              bigint NOT NULL,
    period_start        bigint NOT NULL,
    period_end          bigint NOT NULL,
    used                bigint NOT NULL CHECK (used >= 0),
    held                bigint NOT NULL CHECK (held >= 0),
    boosts_left         bigint NOT NULL CHECK (boosts_left >= 0),
    boosts_held         bigint NOT NULL CHECK (boosts_held >= 0),
    live_boosts         bigint NOT NULL CHECK (live_boosts >= 0),
    open_holds          bigint NOT NULL CHECK (open_holds >= 0),
    caps                bigint NOT NULL CHECK (caps >= 0),
    slept_in            bigint NOT NULL,
    slots               bigint NOT NULL CHECK (slots >= 0),
    hour                bigint NOT NULL,
    hour_slots          bigint NOT NULL,
    previous_slots      bigint NOT NULL,
    spending_zones      text NOT NULL,
    orders              bigint NOT NULL CHECK (orders >= 0),
    CHECK (period_start <= period_end),
    CHECK (0 <= previous_slots AND previous_slots <= hour_slots AND hour_slots <= slots)
) WITH (fillfactor = 70);

-- "body" is the canonical JSON, exactly as it was hashed. The rest of the columns is what is looked for.
CREATE TABLE entries (
    company  text COLLATE "C" NOT NULL,
    seq      bigint NOT NULL CHECK (seq > 0),
    at       bigint NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    action   text COLLATE "C",
    "user"   text COLLATE "C",
    slot     bigint CHECK (slot > 0),
    refunds  bigint CHECK (refunds < seq),
    hash     text NOT NULL CHECK (length(hash) = 64),
    body     text NOT NULL,
    PRIMARY KEY (company, seq)
);

-- The sliding hour: when the call "limit" slots back was.
CREATE UNIQUE INDEX entries_slot ON entries (company, slot) INCLUDE (at) WHERE slot IS NOT NULL;

-- A charge has at most one refund.
CREATE UNIQUE INDEX entries_refunds ON entries (company, refunds) WHERE refunds IS NOT NULL;

-- Filtered lists. Only ledgers that have grown long pay for them: the first 5,000 entries of a company are found by the
-- primary key ("reading.py" knows the number). With 10,000 companies these indexes would cost a fifth of the rate; a
-- single busy company pays a tenth. There is no index on "at": it never decreases along "seq", so halving finds it.
CREATE INDEX entries_kind ON entries (company, kind, seq) WHERE seq > 5000;
CREATE INDEX entries_user ON entries (company, "user", seq) WHERE seq > 5000 AND "user" IS NOT NULL;
CREATE INDEX entries_action ON entries (company, action, seq) WHERE seq > 5000 AND action IS NOT NULL;

CREATE TABLE holds (
    company       text COLLATE "C" NOT NULL,
    id            text COLLATE "C" NOT NULL,
    action        text NOT NULL,
    tool          text COLLATE "C" NOT NULL,
    "user"        text COLLATE "C",
    department    text COLLATE "C",
    subject       text,
    quantities    text NOT NULL,
    stages        text,
    held          bigint NOT NULL CHECK (held >= 0),
    draws         text NOT NULL,
    at            bigint NOT NULL,
    expires_at    bigint NOT NULL,
    period_start  bigint NOT NULL,
    entry         bigint NOT NULL,
    catalogue     text NOT NULL,
    available     bigint NOT NULL,
    measures      text NOT NULL,
    status        text NOT NULL CHECK (status IN ('open', 'captured', 'void', 'expired')),
    captured      text,
    cost          bigint CHECK (cost >= 0),
    returned      bigint NOT NULL CHECK (returned >= 0 AND returned <= held),
    written_off   bigint NOT NULL CHECK (written_off >= 0),
    charge        text,
    paid          text NOT NULL,
    closed_at     bigint,
    PRIMARY KEY (company, id),
    CHECK ((status = 'open') = (closed_at IS NULL)),
    CHECK ((status = 'open') = (cost IS NULL)),
    CHECK ((status = 'captured') = (charge IS NOT NULL))
);

CREATE INDEX holds_open ON holds (company, expires_at) WHERE status = 'open';

-- Lists of the rare outcomes; the common ones are found by the primary key soon enough.
CREATE INDEX holds_ended ON holds (company, status, id) WHERE status IN ('void', 'expired');

CREATE TABLE boosts (
    company     text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL,
    boost       text,
    amount      bigint NOT NULL CHECK (amount > 0),
    added_at    bigint NOT NULL,
    expires_at  bigint NOT NULL,
    order_id    text COLLATE "C",
    reason      text,
    used        bigint NOT NULL CHECK (used >= 0),
    held        bigint NOT NULL CHECK (held >= 0),
    status      text NOT NULL CHECK (status IN ('live', 'expired', 'revoked')),
    has_left    boolean NOT NULL GENERATED ALWAYS AS (status = 'live' AND amount > used + held) STORED,
    PRIMARY KEY (company, id),
    CHECK (amount >= used + held)
) WITH (fillfactor = 70);

CREATE INDEX boosts_live ON boosts (company, expires_at) WHERE status = 'live';

-- "has_left" is a column of its own, so that a draw that leaves something changes no indexed column.
-- A company may have a thousand live boosts that are used up: a charge looks only at the others.
CREATE INDEX boosts_left ON boosts (company) WHERE has_left;

-- An order is credited once.
CREATE UNIQUE INDEX boosts_order ON boosts (company, order_id) WHERE order_id IS NOT NULL;

CREATE TABLE stages (
    company     text COLLATE "C" NOT NULL,
    subject     text COLLATE "C" NOT NULL,
    stage       text COLLATE "C" NOT NULL,
    standing    bigint NOT NULL CHECK (standing > 0),
    charge      text NOT NULL,
    draws       text NOT NULL,
    at          bigint NOT NULL,
    tool        text NOT NULL,
    action      text NOT NULL,
    "user"      text,
    department  text,
    PRIMARY KEY (company, subject, stage)
);

CREATE TABLE caps (
    company   text COLLATE "C" NOT NULL,
    id        text COLLATE "C" NOT NULL,
    scope     text NOT NULL CHECK (scope IN ('user', 'users', 'department', 'tool')),
    name      text,
    requests  bigint NOT NULL CHECK (requests >= 0),
    per       text NOT NULL CHECK (per IN ('day', 'week', 'month')),
    until     bigint,
    PRIMARY KEY (company, id),
    CHECK ((scope = 'users') = (name IS NULL))
);

CREATE TABLE orders (
    company     text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL,
    boost       text NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    valid_days  bigint NOT NULL CHECK (valid_days > 0),
    price       text,
    suspends    boolean NOT NULL,
    ordered_at  bigint NOT NULL,
    status      text NOT NULL CHECK (status IN ('pending', 'paid', 'dropped')),
    reference   text,
    credited    text,
    closed_at   bigint,
    PRIMARY KEY (company, id),
    CHECK ((status = 'paid') = (credited IS NOT NULL)),
    CHECK ((status = 'pending') = (closed_at IS NULL))
);

-- One row for a quarter of an hour (UTC) and who did what where; '' stands for no user or department.
CREATE TABLE statistics (
    company      text COLLATE "C" NOT NULL,
    quarter      bigint NOT NULL CHECK (quarter % 900000 = 0),
    tool         text COLLATE "C" NOT NULL,
    action       text COLLATE "C" NOT NULL,
    "user"       text COLLATE "C" NOT NULL,
    department   text COLLATE "C" NOT NULL,
    calls        bigint NOT NULL CHECK (calls >= 0),
    requests     bigint NOT NULL CHECK (requests >= 0),
    refunded     bigint NOT NULL CHECK (refunded >= 0),
    written_off  bigint NOT NULL CHECK (written_off >= 0),
    PRIMARY KEY (company, quarter, tool, action, "user", department)
) WITH (fillfactor = 70);

CREATE TABLE declines (
    company  text COLLATE "C" NOT NULL,
    day      text COLLATE "C" NOT NULL,
    reason   text COLLATE "C" NOT NULL,
    tool     text COLLATE "C" NOT NULL,
    "user"   text COLLATE "C" NOT NULL,
    count    bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (company, day, reason, tool, "user")
) WITH (fillfactor = 70);

-- The sums for caps: what a user, department or tool has spent since the start of a day.
CREATE TABLE spending (
    company  text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL CHECK (kind IN ('user', 'department', 'tool')),
    name     text COLLATE "C" NOT NULL,
    since    bigint NOT NULL,
    amount   bigint NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (company, kind, name, since)
) WITH (fillfactor = 70);

-- The first reply of each idempotency key.
CREATE TABLE replies (
    company  text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    request  text NOT NULL,
    at       bigint NOT NULL,
    reply    text NOT NULL,
    PRIMARY KEY (company, key)
);

CREATE TABLE api_keys (
    id          text COLLATE "C" NOT NULL PRIMARY KEY,
    hash        text NOT NULL UNIQUE,
    role        text NOT NULL,
    company     text COLLATE "C",
    "user"      text,
    label       text,
    actions     text,
    created_at  bigint NOT NULL,
    revoked_at  bigint
);

CREATE INDEX api_keys_company ON api_keys (company, id) WHERE revoked_at IS NULL;

CREATE TABLE catalogues (
    number        bigint NOT NULL PRIMARY KEY,
    id            text NOT NULL,
    version       text NOT NULL UNIQUE,
    effective_at  bigint NOT NULL,
    loaded_at     bigint NOT NULL,
    text          text NOT NULL
);

-- The transactions of the last day: what a lost COMMIT is looked for in.
CREATE TABLE batches (
    id  text COLLATE "C" NOT NULL PRIMARY KEY,
    at  bigint NOT NULL
);

CREATE INDEX batches_at ON batches (at);

CREATE TABLE meta (
    name   text COLLATE "C" NOT NULL PRIMARY KEY,
    value  text NOT NULL
);
