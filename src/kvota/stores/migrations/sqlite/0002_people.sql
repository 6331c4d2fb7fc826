-- The people's directory: what can be erased of a person. No fact of a ledger; entries keep the user's id alone.
CREATE TABLE people (
    company     TEXT NOT NULL,
    "user"      TEXT NOT NULL,
    name        TEXT,
    email       TEXT,
    department  TEXT CHECK (department > ''),
    PRIMARY KEY (company, "user")
) STRICT, WITHOUT ROWID;

-- Tells every batch whether there is any department to look up.
CREATE INDEX people_department ON people (department) WHERE department IS NOT NULL;
