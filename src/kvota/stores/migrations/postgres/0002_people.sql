-- The people's directory: what can be erased of a person. No fact of a ledger; entries keep the user's id alone.
CREATE TABLE people (
    company     text COLLATE "C" NOT NULL,
    "user"      text COLLATE "C" NOT NULL,
    name        text,
    email       text,
    department  text COLLATE "C" CHECK (department > ''),
    PRIMARY KEY (company, "user")
);

-- Tells every batch whether there is any department to look up.
CREATE INDEX people_department ON people (department) WHERE department IS NOT NULL;
