-- What a company has set about being told; one without a row has the defaults. JSON, as "rows.py" says.
CREATE TABLE notifications (
    company  text COLLATE "C" NOT NULL PRIMARY KEY,
    levels   text NOT NULL,
    kinds    text NOT NULL,
    mail     text NOT NULL
);

-- What is to be told, written by the transaction in which it came about; the key tells it once.
CREATE TABLE outbox (
    company    text COLLATE "C" NOT NULL,
    period     bigint NOT NULL,
    kind       text NOT NULL,
    topic      text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    at         bigint NOT NULL,
    data       text NOT NULL,
    is_spread  boolean NOT NULL,
    PRIMARY KEY (company, period, kind, topic),
    UNIQUE (company, id)
);

CREATE INDEX outbox_waiting ON outbox (company) WHERE NOT is_spread;
CREATE INDEX outbox_at ON outbox (at);

-- Secrets are made of the store's own and the number of the generation: none stands here.
CREATE TABLE webhooks (
    company           text COLLATE "C" NOT NULL,
    id                text COLLATE "C" NOT NULL,
    url               text NOT NULL,
    created_at        bigint NOT NULL,
    generation        bigint NOT NULL CHECK (generation > 0),
    rotated_at        bigint,
    failing_since     bigint,
    disabled_at       bigint,
    disabled_because  text,
    PRIMARY KEY (company, id),
    CHECK ((disabled_at IS NULL) = (disabled_because IS NULL))
);

-- One row for each event and each target that it goes to. Instants are the database's own clock, also in a sandbox.
CREATE TABLE deliveries (
    company      text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL,
    event        text COLLATE "C" NOT NULL,
    channel      text NOT NULL CHECK (channel IN ('webhook', 'mail')),
    target       text COLLATE "C" NOT NULL,
    status       text NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
    attempts     bigint NOT NULL CHECK (attempts >= 0),
    made_at      bigint NOT NULL,
    next_at      bigint,
    lease        text,
    finished_at  bigint,
    answer       bigint,
    problem      text,
    PRIMARY KEY (company, id),
    CHECK ((status = 'waiting') = (next_at IS NOT NULL)),
    CHECK ((status = 'waiting') = (finished_at IS NULL))
);

CREATE INDEX deliveries_due ON deliveries (next_at) WHERE status = 'waiting';
CREATE INDEX deliveries_made ON deliveries (made_at);

-- Who of several processes does what only one should, until when, and how far it has come.
CREATE TABLE leases (
    name    text COLLATE "C" NOT NULL PRIMARY KEY,
    until   bigint NOT NULL,
    cursor  text NOT NULL
);
