-- What people ask their administrator for: more than they may use. No fact of a ledger; erased with the person.
CREATE TABLE appeals (
    company    text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    "user"     text COLLATE "C" NOT NULL,
    text       text,
    wanted     bigint CHECK (wanted > 0),
    action     text,
    reason     text,
    cap        text,
    status     text COLLATE "C" NOT NULL CHECK (status IN ('open', 'granted', 'refused')),
    asked_at   bigint NOT NULL,
    closed_at  bigint,
    closed_by  text,
    answer     text,
    set_cap    text,
    order_id   text,
    PRIMARY KEY (company, id),
    CHECK ((status = 'open') = (closed_at IS NULL)),
    CHECK ((status = 'granted') = (set_cap IS NOT NULL OR order_id IS NOT NULL))
);

-- One open appeal for each person; and what the count beside the page's name is read from.
CREATE UNIQUE INDEX appeals_open ON appeals (company, "user") WHERE status = 'open';
