-- Bitrix24 portals, their engines, and the jobs that they give us. Of the secrets in URLs only hashes are kept.
CREATE TABLE portals (
    portal             text COLLATE "C" NOT NULL PRIMARY KEY,
    company            text COLLATE "C" NOT NULL,
    kind               text COLLATE "C" NOT NULL CHECK (kind IN ('webhook', 'app')),
    origin             text COLLATE "C" NOT NULL,
    hosts              text COLLATE "C" NOT NULL,
    language           text COLLATE "C" NOT NULL,
    application_token  text COLLATE "C",
    access_token       text COLLATE "C",
    refresh_token      text COLLATE "C",
    access_until       bigint NOT NULL,
    plan_code          text COLLATE "C",
    administrator      text COLLATE "C",
    connected_at       bigint NOT NULL
);

CREATE TABLE engines (
    hash           text COLLATE "C" NOT NULL PRIMARY KEY,
    portal         text COLLATE "C" NOT NULL,
    company        text COLLATE "C" NOT NULL,
    scenario       text COLLATE "C" NOT NULL,
    category       text COLLATE "C" NOT NULL,
    code           text COLLATE "C" NOT NULL,
    registered_at  bigint NOT NULL,
    UNIQUE (portal, code)
);

-- Their instants are the real clock's. due_at is when somebody may take a job up; who has it moves that on.
CREATE TABLE jobs (
    company     text COLLATE "C" NOT NULL,
    hash        text COLLATE "C" NOT NULL,
    portal      text COLLATE "C" NOT NULL,
    scenario    text COLLATE "C" NOT NULL,
    category    text COLLATE "C" NOT NULL,
    body        text COLLATE "C" NOT NULL,
    ttl         bigint NOT NULL CHECK (ttl > 0),
    taken_at    bigint NOT NULL,
    status      text COLLATE "C" NOT NULL CHECK (status IN ('waiting', 'answered', 'delivered', 'done', 'lost')),
    hold        text COLLATE "C",
    answer      text COLLATE "C",
    measures    text COLLATE "C",
    is_refused  boolean NOT NULL,
    attempts    bigint NOT NULL,
    due_at      bigint NOT NULL,
    lease       text COLLATE "C",
    PRIMARY KEY (company, hash),
    CHECK (status <> 'answered' OR answer IS NOT NULL)
);

CREATE INDEX jobs_due ON jobs (due_at, company, hash) WHERE status IN ('waiting', 'answered', 'delivered');
CREATE INDEX jobs_ended ON jobs (taken_at) WHERE status IN ('done', 'lost');

-- What was transcribed, as it is recognised in the prompts that follow; the words themselves are not kept.
CREATE TABLE transcripts (
    company  text COLLATE "C" NOT NULL,
    start    text COLLATE "C" NOT NULL,
    words    bigint NOT NULL,
    hash     text COLLATE "C" NOT NULL,
    subject  text COLLATE "C" NOT NULL,
    PRIMARY KEY (company, hash)
);

CREATE INDEX transcripts_start ON transcripts (company, start);
