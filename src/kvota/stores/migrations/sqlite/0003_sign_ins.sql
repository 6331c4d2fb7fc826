-- Who opens the dashboard, by which links, and in which sessions. Of passwords, links and sessions only hashes are kept.
CREATE TABLE sign_ins (
    id          TEXT NOT NULL PRIMARY KEY,
    email       TEXT NOT NULL UNIQUE,
    role        TEXT NOT NULL CHECK (role IN ('operator', 'admin', 'member', 'auditor')),
    company     TEXT,
    "user"      TEXT,
    password    TEXT,
    created_at  INTEGER NOT NULL,
    CHECK ((role = 'operator') = (company IS NULL)),
    CHECK (role <> 'member' OR "user" IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_ins_company ON sign_ins (company, id);

CREATE TABLE links (
    hash        TEXT NOT NULL PRIMARY KEY,
    sign_in     TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('invitation', 'reset')),
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX links_sign_in ON links (sign_in);

CREATE TABLE sessions (
    hash        TEXT NOT NULL PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    owner       TEXT NOT NULL,
    name        TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('operator', 'admin', 'member', 'auditor')),
    company     TEXT,
    "user"      TEXT,
    frame       TEXT,
    agent       TEXT,
    begun_at    INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_owner ON sessions (owner, id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
