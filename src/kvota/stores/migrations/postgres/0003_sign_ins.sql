-- Who opens the dashboard, by which links, and in which sessions. Of passwords, links and sessions only hashes are kept.
CREATE TABLE sign_ins (
    id          text COLLATE "C" NOT NULL PRIMARY KEY,
    email       text COLLATE "C" NOT NULL UNIQUE,
    role        text COLLATE "C" NOT NULL CHECK (role IN ('operator', 'admin', 'member', 'auditor')),
    company     text COLLATE "C",
    "user"      text COLLATE "C",
    password    text,
    created_at  bigint NOT NULL,
    CHECK ((role = 'operator') = (company IS NULL)),
    CHECK (role <> 'member' OR "user" IS NOT NULL)
);

CREATE INDEX sign_ins_company ON sign_ins (company, id);

CREATE TABLE links (
    hash        text COLLATE "C" NOT NULL PRIMARY KEY,
    sign_in     text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('invitation', 'reset')),
    expires_at  bigint NOT NULL
);

CREATE INDEX links_sign_in ON links (sign_in);

CREATE TABLE sessions (
    hash        text COLLATE "C" NOT NULL PRIMARY KEY,
    id          text COLLATE "C" NOT NULL UNIQUE,
    owner       text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    role        text COLLATE "C" NOT NULL CHECK (role IN ('operator', 'admin', 'member', 'auditor')),
    company     text COLLATE "C",
    "user"      text COLLATE "C",
    frame       text,
    agent       text,
    begun_at    bigint NOT NULL,
    seen_at     bigint NOT NULL,
    expires_at  bigint NOT NULL
);

CREATE INDEX sessions_owner ON sessions (owner, id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
