import type { Sql } from "../store/connect.ts";
import { jsonOf } from "../store/json.ts";
import type { LoadError } from "../wire.ts";

export interface Row {
  name: string;
  revision: string;
  version: number;
  artifact: string;
  code: string | null;
  vendor: string;
  methods: string[];
  timeout_ms: number;
  is_deleted: boolean;
  expires_at: Date | null;
}

export interface Ack {
  name: string;
  revision: string;
  ms: number;
  error: LoadError | null;
}

/** What is published in a stage later than a revision. Numbers are in the order of their commits: none turns up late. */
export async function readPublished(sql: Sql, after: string, stage: string): Promise<Row[]> {
  return await sql<Row[]>`
    SELECT name, revision::text, version, artifact, code, vendor, methods, timeout_ms, is_deleted, expires_at
    FROM imp.functions LEFT JOIN imp.artifacts ON digest = artifact AND NOT is_deleted
    WHERE revision > ${after}::text::bigint AND split_part(name, '/', 1) = ${stage}
    ORDER BY revision`;
}

export async function readVendor(sql: Sql, digest: string): Promise<string | undefined> {
  const [row] = await sql<{ code: string }[]>`SELECT code FROM imp.vendors WHERE digest = ${digest}`;
  return row?.code;
}

export async function readSourceMap(sql: Sql, digest: string): Promise<string | undefined> {
  const [row] = await sql<{ source_map: string }[]>`SELECT source_map FROM imp.artifacts WHERE digest = ${digest}`;
  return row?.source_map;
}

export interface Registered {
  instance: string;
  process: string;
  stages: string[];
  isReady: boolean;
}

/**
 * On the connection that listens: whoever asks whether this runtime is there looks whether that is.
 *
 * Roles of gateways may not read the list of connections; of their own they may ask.
 */
export async function register(sql: Sql, { instance, process, stages, isReady }: Registered): Promise<void> {
  await sql`
    INSERT INTO imp.instances (id, process, stages, is_ready, backend_pid, backend_start)
    SELECT ${instance}, ${process}, ${stages}, ${isReady}, pg_backend_pid(), pg_stat_get_backend_start(each)
    FROM pg_stat_get_backend_idset() AS each WHERE pg_stat_get_backend_pid(each) = pg_backend_pid()
    ON CONFLICT (id) DO UPDATE SET backend_pid = excluded.backend_pid, backend_start = excluded.backend_start`;
  // What those leave who had no time to say goodbye
  await sql`
    DELETE FROM imp.instances AS gone WHERE NOT EXISTS (
      SELECT FROM pg_stat_get_backend_idset() AS each
      WHERE pg_stat_get_backend_pid(each) = backend_pid AND pg_stat_get_backend_start(each) = gone.backend_start
    )`;
  await sql`DELETE FROM imp.acks WHERE instance NOT IN (SELECT id FROM imp.instances)`;
}

export interface There {
  /** The latest one of each stage. */
  revisions: Record<string, string>;
  /** This runtime is registered, under this connection. */
  isKnown: boolean;
}

/** What tells that it's another database than before, or an older one. */
export async function look(sql: Sql, instance: string, stages: string[]): Promise<There> {
  const rows = await sql<{ stage: string; revision: string; isKnown: boolean }[]>`
    SELECT stage, coalesce((
      SELECT revision FROM imp.functions WHERE split_part(name, '/', 1) = stage ORDER BY revision DESC LIMIT 1
    ), 0)::text AS revision, EXISTS (
      SELECT FROM imp.instances WHERE id = ${instance} AND backend_pid = pg_backend_pid()
    ) AS "isKnown"
    FROM unnest(${stages}::text[]) AS stage`;
  return {
    revisions: Object.fromEntries(rows.map(({ stage, revision }) => [stage, revision])),
    isKnown: rows.every((row) => row.isKnown),
  };
}

export async function acknowledge(sql: Sql, instance: string, acks: Ack[]): Promise<void> {
  const rows = acks.map(({ name, revision, ms, error }) => ({ name, revision, ms, error }));
  await sql`
    INSERT INTO imp.acks (instance, name, revision, load_ms, error)
    SELECT ${instance}, name, revision, ms, nullif(error, 'null'::jsonb)
    FROM jsonb_to_recordset(${jsonOf(rows)}::text::jsonb)
      AS each (name text, revision bigint, ms real, error jsonb)
    ON CONFLICT (instance, name) DO UPDATE SET
      revision = excluded.revision, load_ms = excluded.load_ms, error = excluded.error, acked_at = clock_timestamp()`;
}

/** One of its stages has all up to a revision; another may have come further. */
export async function caughtUp(sql: Sql, instance: string, revision: string): Promise<void> {
  await sql`
    UPDATE imp.instances SET revision = greatest(revision, ${revision}::text::bigint) WHERE id = ${instance}`;
}

/** All of its stages had all that there was. */
export async function ready(sql: Sql, instance: string): Promise<void> {
  await sql`UPDATE imp.instances SET is_ready = true WHERE id = ${instance}`;
}

export async function signOff(sql: Sql, instance: string): Promise<void> {
  await sql`DELETE FROM imp.instances WHERE id = ${instance}`;
  await sql`DELETE FROM imp.acks WHERE instance = ${instance}`;
}
