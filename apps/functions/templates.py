"""What a new function may begin as. Each of them runs as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Text

USUAL_TEMPLATE = "hello"
ENTRYPOINT = "handler.ts"


@dataclass(frozen=True)
class Template:
    slug: str
    title: Text
    text: Text
    # What its name may be, to begin with
    name: str
    files: Mapping[str, str]
    methods: tuple[str, ...] = ()
    entrypoint: str = ENTRYPOINT


_HELLO = """\
// Called for each request; what it returns is the answer, as JSON.
export default async (req: ImpRequest, res: ImpResponse) => {
  const name = req.query.name ?? "world";
  return { message: `Hello, ${name}!`, stage: imp.stage };
};
"""

_ITEM = """\
import { problem } from "./problem";

// GET, PUT and DELETE of one note, kept in the gateway's own database.
export default async (req: ImpRequest, res: ImpResponse) => {
  const notes = imp.db("notes");
  const id = req.params.id;

  if (req.method === "PUT") {
    const text = (req.body as { text?: unknown } | undefined)?.text;
    if (typeof text !== "string") return problem(res, 422, "Send JSON such as {\\"text\\": \\"Milk\\"}.");
    await notes.updateOne({ _id: id }, { $set: { text, at: new Date() } }, { upsert: true });
  }
  if (req.method === "DELETE") {
    await notes.deleteOne({ _id: id });
    return;
  }

  const note = await notes.findOne({ _id: id });
  return note ?? problem(res, 404, `There is no note ${id}.`);
};
"""

_PROBLEM = """\
/** An error that programs and people can read. */
export function problem(res: ImpResponse, status: number, detail: string) {
  return res.status(status).type("application/problem+json").json({ status, detail });
}
"""

_HOOK = """\
import { isSigned } from "./signature";

// Takes what another service sends, once its signature is right. Set the secret WEBHOOK_SECRET in Environment.
export default async (req: ImpRequest, res: ImpResponse) => {
  const secret = imp.env.WEBHOOK_SECRET;
  if (!secret) return res.status(503).json({ error: "Set WEBHOOK_SECRET in this gateway's environment." });

  const signature = String(req.headers["x-signature"] ?? "");
  if (!(await isSigned(req.rawBody, signature, secret))) {
    imp.log.warn("A wrong signature", { ip: req.ip });
    return res.status(401).json({ error: "The signature is wrong." });
  }

  await imp.db("hooks").insertOne({ at: new Date(), body: req.body });
  return res.status(202).json({ accepted: true });
};
"""

_SIGNATURE = """\
/** Whether `signature` is the HMAC-SHA256 of the body in hex, compared without telling where it differs. */
export async function isSigned(body: Uint8Array, signature: string, secret: string): Promise<boolean> {
  const bytes = new TextEncoder().encode(secret);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
  const given = signature.match(/^(?:[0-9a-f]{2}){32}$/) ? signature.match(/../g)! : [];
  const claimed = Uint8Array.from(given, (pair) => parseInt(pair, 16));
  return await crypto.subtle.verify("HMAC", key, claimed, body as BufferSource);
}
"""

_JOB = """\
const DAY = 24 * 60 * 60 * 1000;

// For a cron trigger: tidies up what is older than 30 days. Set the trigger on the gateway's page Triggers.
export default async () => {
  const before = new Date(Date.now() - 30 * DAY);
  const { deletedCount } = await imp.db("hooks").deleteMany({ at: { $lt: before } });
  imp.log.info("Tidied up", { deletedCount });
  return { deletedCount };
};
"""

_STANDARD = """\
// The same as everywhere on the web: a Request comes in, a Response goes out.
export default {
  fetch(request: Request): Response {
    const { pathname, searchParams } = new URL(request.url);
    return Response.json({ pathname, query: Object.fromEntries(searchParams) });
  },
};
"""

_STREAM = """\
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

// Server-sent events: a browser reads them with `new EventSource("…")`.
export default async (req: ImpRequest, res: ImpResponse) => {
  res.type("events").set("cache-control", "no-store");
  for (let count = 1; count <= 5 && !req.signal.aborted; count++) {
    await res.write(`data: ${JSON.stringify({ count, at: new Date() })}\\n\\n`);
    await wait(500);
  }
  res.end();
};
"""

_ALL = (
    Template(
        "hello",
        _("Hello"),
        _("The least that answers: reads the query, returns JSON."),
        "hello",
        {ENTRYPOINT: _HELLO},
        ("GET",),
    ),
    Template(
        "documents",
        _("Documents"),
        _("Reads, writes and deletes one thing by its id in the gateway's database."),
        "notes/:id",
        {ENTRYPOINT: _ITEM, "problem.ts": _PROBLEM},
        ("GET", "PUT", "DELETE"),
    ),
    Template(
        "webhook",
        _("Webhook"),
        _("Takes what another service sends, checks its signature and keeps it."),
        "hooks/incoming",
        {ENTRYPOINT: _HOOK, "signature.ts": _SIGNATURE},
        ("POST",),
    ),
    Template(
        "job",
        _("Scheduled job"),
        _("For a cron trigger: tidies up old documents and says how many."),
        "jobs/tidy-up",
        {ENTRYPOINT: _JOB},
        ("POST",),
    ),
    Template(
        "stream",
        _("Stream"),
        _("Sends events one at a time, as they happen."),
        "events",
        {ENTRYPOINT: _STREAM},
        ("GET",),
    ),
    Template(
        "standard",
        _("Request and Response"),
        _("The handler of the web's standards, for code that also runs elsewhere."),
        "echo",
        {ENTRYPOINT: _STANDARD},
    ),
)

TEMPLATES: Mapping[str, Template] = MappingProxyType({each.slug: each for each in _ALL})
