import postgres from "postgres";

export type Sql = postgres.Sql;

const CONNECT_WITHIN_SECONDS = 5;

/** A pool at an address as the platform writes it: also `postgres://role:password@/name?host=/folder&port=5432`. */
export function connect(url: string, options: postgres.Options<Record<string, postgres.PostgresType>> = {}): Sql {
  return postgres({ ...addressOf(url), connect_timeout: CONNECT_WITHIN_SECONDS, onnotice: () => {}, ...options });
}

export function addressOf(url: string): postgres.Options<Record<string, postgres.PostgresType>> {
  // URL knows no address without a host
  const found = new URL(url.replace("@/", "@unix/"));
  const folder = found.searchParams.get("host");
  const port = Number(found.searchParams.get("port") ?? (found.port || 5432));
  const whose = {
    username: decodeURIComponent(found.username),
    password: decodeURIComponent(found.password),
    database: decodeURIComponent(found.pathname.slice(1)),
  };
  if (folder) return { ...whose, path: `${folder}/.s.PGSQL.${port}` };
  return {
    ...whose,
    host: found.hostname.replace(/^\[|\]$/g, ""),
    port,
    ssl: tlsOf(found.searchParams.get("sslmode")),
  };
}

function tlsOf(mode: string | null): "require" | "prefer" | "verify-full" | false {
  if (mode === null || mode === "disable" || mode === "allow") return false;
  return mode === "prefer" ? "prefer" : mode === "require" ? "require" : "verify-full";
}

// All of the server's are taken, or all that are not kept for others; or all that this role may have
const NO_CONNECTION_LEFT = "53300";

/** Why there is no connection, for people. */
export function whyAway(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code !== NO_CONNECTION_LEFT) return String(error);
  return `The server has no connection left for it: raise its max_connections, or let fewer gateways use it (${error})`;
}
