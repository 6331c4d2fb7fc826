-- What operators did. "told" is JSON.
CREATE TABLE acts (
    id       text COLLATE "C" NOT NULL PRIMARY KEY,
    at       bigint NOT NULL,
    "by"     text NOT NULL,
    company  text COLLATE "C",
    act      text NOT NULL,
    told     text NOT NULL
);

CREATE INDEX acts_company ON acts (company, id) WHERE company IS NOT NULL;
