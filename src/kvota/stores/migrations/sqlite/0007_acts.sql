-- What operators did. "told" is JSON.
CREATE TABLE acts (
    id       TEXT NOT NULL PRIMARY KEY,
    at       INTEGER NOT NULL,
    "by"     TEXT NOT NULL,
    company  TEXT,
    act      TEXT NOT NULL,
    told     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX acts_company ON acts (company, id) WHERE company IS NOT NULL;
