-- What the platform keeps in a gateway's own database, and its runtimes read. Owned by the platform's role; what
-- runtimes may is in grants.sql, and the role of functions sees nothing of this.

CREATE SCHEMA imp;

CREATE TABLE imp.schema_version (one boolean PRIMARY KEY DEFAULT true CHECK (one), version int NOT NULL);

-- A row, not a sequence: its lock makes the order of commits that of revisions, so none shows up late
CREATE TABLE imp.counter (one boolean PRIMARY KEY DEFAULT true CHECK (one), revision bigint NOT NULL DEFAULT 0);
INSERT INTO imp.counter DEFAULT VALUES;

CREATE TABLE imp.artifacts (
    digest text PRIMARY KEY,
    code text NOT NULL,
    source_map text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The npm packages of a lock, as one bundle
CREATE TABLE imp.vendors (
    digest text PRIMARY KEY,
    code text NOT NULL,
    packages text[] NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE imp.functions (
    -- 'dev/user/:id'; a draft's: 'dev/~', its id, '/' and the same name
    name text PRIMARY KEY,
    -- Of the platform's row; a draft's: of the draft
    function_id text NOT NULL,
    revision bigint NOT NULL UNIQUE,
    version int NOT NULL,
    artifact text NOT NULL DEFAULT '',
    -- Empty: it was built without packages
    vendor text NOT NULL DEFAULT '',
    -- Empty: all of them
    methods text[] NOT NULL DEFAULT '{}',
    timeout_ms int NOT NULL DEFAULT 10000,
    is_deleted boolean NOT NULL DEFAULT false,
    -- Of drafts: nobody calls it after that
    expires_at timestamptz,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX functions_of ON imp.functions (function_id);

-- The runtimes that are there: one whose connection is gone is gone
CREATE TABLE imp.instances (
    id text PRIMARY KEY,
    process text NOT NULL,
    stages text[] NOT NULL,
    -- Of the connection that listens, as pg_stat_activity has it
    backend_pid int NOT NULL,
    backend_start timestamptz NOT NULL,
    -- It answers calls
    is_ready boolean NOT NULL DEFAULT false,
    revision bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE imp.acks (
    instance text NOT NULL,
    name text NOT NULL,
    revision bigint NOT NULL,
    load_ms real NOT NULL DEFAULT 0,
    -- Why it couldn't be loaded: {"message", "stack"}; what ran before goes on
    error jsonb,
    acked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (instance, name)
);

CREATE TABLE imp.logs (
    at timestamptz NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    stage text NOT NULL,
    -- Without its stage
    function text NOT NULL DEFAULT '',
    version int NOT NULL DEFAULT 0,
    request_id text NOT NULL DEFAULT '',
    -- debug, info, warn, error
    level text NOT NULL,
    -- console, call, system, trigger
    source text NOT NULL DEFAULT 'console',
    text text NOT NULL,
    -- What imp.log was given besides; for an error: {"stack"}; for lines that a limit kept out: {"left_out"}
    fields jsonb,
    -- Ids are given before a commit and show up after it: those who follow ask for what a snapshot hadn't seen
    tx xid8 NOT NULL DEFAULT pg_current_xact_id()
) PARTITION BY RANGE (at);
CREATE INDEX logs_at ON imp.logs (at, id);
CREATE INDEX logs_tx ON imp.logs (tx);
-- Few among many, and a gateway's first page asks for the newest of them
CREATE INDEX logs_warned ON imp.logs (at, id) WHERE level IN ('warn', 'error');
CREATE INDEX logs_request ON imp.logs (request_id) WHERE request_id <> '';
-- What no day's partition is there for is kept all the same
CREATE TABLE imp.logs_rest PARTITION OF imp.logs DEFAULT;

-- A partition for each day, in UTC, that has none; what waited in logs_rest for it moves there
CREATE FUNCTION imp.make_log_days(first date, last date) RETURNS int LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
    day date;
    name text;
    made int := 0;
BEGIN
    FOR day IN SELECT pg_catalog.generate_series(first, last, '1 day')::date LOOP
        name := 'logs_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('imp.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE imp.%I (LIKE imp.logs INCLUDING DEFAULTS)', name);
        -- Nothing of that day may come in between the move and the moment from which it goes elsewhere
        LOCK TABLE imp.logs_rest IN ACCESS EXCLUSIVE MODE;
        EXECUTE format(
            'WITH moved AS (DELETE FROM imp.logs_rest WHERE at >= %L AND at < %L RETURNING *) '
            'INSERT INTO imp.%I SELECT * FROM moved',
            day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC', name
        );
        EXECUTE format(
            'ALTER TABLE imp.logs ATTACH PARTITION imp.%I FOR VALUES FROM (%L) TO (%L)',
            name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC'
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
-- A sweep goes on with it
SELECT imp.make_log_days((now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date + 3);

-- Revision and name, never code
CREATE FUNCTION imp.tell_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('published', NEW.revision || ' ' || NEW.name);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON imp.functions FOR EACH ROW EXECUTE FUNCTION imp.tell_published();

-- SECURITY DEFINER, as runtimes may not notify by themselves
CREATE FUNCTION imp.tell_acked() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('acked', NEW.revision || ' ' || NEW.name);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON imp.acks FOR EACH ROW EXECUTE FUNCTION imp.tell_acked();

CREATE FUNCTION imp.tell_logged() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('logged', '');
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON imp.logs FOR EACH STATEMENT EXECUTE FUNCTION imp.tell_logged();
