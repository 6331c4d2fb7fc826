-- Bitrix24 portals, their engines, and the jobs that they give us. Of the secrets in URLs only hashes are kept.
CREATE TABLE portals (
    portal             TEXT NOT NULL PRIMARY KEY,
    company            TEXT NOT NULL,
    kind               TEXT NOT NULL CHECK (kind IN ('webhook', 'app')),
    origin             TEXT NOT NULL,
    hosts              TEXT NOT NULL,
    language           TEXT NOT NULL,
    application_token  TEXT,
    access_token       TEXT,
    refresh_token      TEXT,
    access_until       INTEGER NOT NULL,
    plan_code          TEXT,
    administrator      TEXT,
    connected_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE engines (
    hash           TEXT NOT NULL PRIMARY KEY,
    portal         TEXT NOT NULL,
    company        TEXT NOT NULL,
    scenario       TEXT NOT NULL,
    category       TEXT NOT NULL,
    code           TEXT NOT NULL,
    registered_at  INTEGER NOT NULL,
    UNIQUE (portal, code)
) STRICT, WITHOUT ROWID;

-- Their instants are the real clock's. due_at is when somebody may take a job up; who has it moves that on.
CREATE TABLE jobs (
    company     TEXT NOT NULL,
    hash        TEXT NOT NULL,
    portal      TEXT NOT NULL,
    scenario    TEXT NOT NULL,
    category    TEXT NOT NULL,
    body        TEXT NOT NULL,
    ttl         INTEGER NOT NULL CHECK (ttl > 0),
    taken_at    INTEGER NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('waiting', 'answered', 'delivered', 'done', 'lost')),
    hold        TEXT,
    answer      TEXT,
    measures    TEXT,
    is_refused  INTEGER NOT NULL CHECK (is_refused IN (0, 1)),
    attempts    INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    lease       TEXT,
    PRIMARY KEY (company, hash),
    CHECK (status <> 'answered' OR answer IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_due ON jobs (due_at, company, hash) WHERE status IN ('waiting', 'answered', 'delivered');
CREATE INDEX jobs_ended ON jobs (taken_at) WHERE status IN ('done', 'lost');

-- What was transcribed, as it is recognised in the prompts that follow; the words themselves are not kept.
CREATE TABLE transcripts (
    company  TEXT NOT NULL,
    start    TEXT NOT NULL,
    words    INTEGER NOT NULL,
    hash     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    PRIMARY KEY (company, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX transcripts_start ON transcripts (company, start);
