// A real OpenID provider for the tests: `oidc-provider` with people, keys and faults that the tests set.
// Listens on a free port of this machine and prints it; ends when its standard input does.

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as jose from "jose";
import Provider from "oidc-provider";

type Claims = Record<string, unknown>;

interface Settings {
  // By the name that is typed into the provider's form, which is also the subject
  people: Record<string, Claims>;
  clients: Record<string, unknown>[];
  // Name, address and groups stand in the ID token, not only in the userinfo
  inIdToken: boolean;
  // What is wrong with the ID tokens from now on
  fault: { claims?: Claims; key?: "foreign" | "none" | "shared"; replay?: boolean } | null;
}

interface Context {
  path: string;
  status: number;
  body?: { id_token?: string };
}

// What it says of running on Deno and with its forms for trying out
console.info = console.warn = () => {};

const settings: Settings = { people: {}, clients: [], inIdToken: false, fault: null };
const requests: string[] = [];
let keys: jose.JWK[] = [];
let provider: Provider;
let earlier: string | undefined;

const server = createServer(async (request, response) => {
  const path = (request.url ?? "/").split("?")[0]!;
  if (path === "/_test") return await control(request, response);
  requests.push(`${request.method} ${path}`);
  provider.callback()(request, response);
});

server.listen(0, "127.0.0.1", async () => {
  await rotate();
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
});
for await (const _ of Deno.stdin.readable);
Deno.exit();

async function rotate() {
  const kid = crypto.randomUUID();
  const pair = await jose.generateKeyPair("RS256", { extractable: true });
  keys = [{ ...(await jose.exportJWK(pair.privateKey)), kid, use: "sig", alg: "RS256" }];
  build();
}

function build() {
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provider = new Provider(issuer, {
    clients: settings.clients,
    jwks: { keys },
    cookies: { keys: ["only-for-tests"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups", "realm_access"] },
    conformIdTokenClaims: !settings.inIdToken,
    pkce: { required: () => true },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, ...settings.people[id] }),
    }),
  });
  provider.use(async (context: Context, next: () => Promise<void>) => {
    await next();
    if (context.path !== "/token" || context.status !== 200 || !context.body?.id_token) return;
    const fresh = context.body.id_token;
    if (settings.fault) context.body.id_token = await spoil(fresh, settings.fault);
    earlier = fresh;
  });
}

// The provider's own token with something wrong in it, signed as the fault says
async function spoil(token: string, fault: NonNullable<Settings["fault"]>): Promise<string> {
  if (fault.replay && earlier) return earlier;
  const claims = { ...jose.decodeJwt(token), ...fault.claims };
  const kid = keys[0]!.kid!;
  if (fault.key === "none") return new jose.UnsecuredJWT(claims).encode();
  if (fault.key === "shared") {
    // Whoever takes the public key for a shared secret would believe this
    const secret = new TextEncoder().encode(JSON.stringify(keys[0]!.n));
    return await new jose.SignJWT(claims).setProtectedHeader({ alg: "HS256", kid }).sign(secret);
  }
  const key = fault.key === "foreign"
    ? (await jose.generateKeyPair("RS256")).privateKey
    : await jose.importJWK(keys[0]!);
  return await new jose.SignJWT(claims).setProtectedHeader({ alg: "RS256", kid }).sign(key);
}

async function control(request: IncomingMessage, response: ServerResponse) {
  if (request.method === "POST") {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { rotated, ...changed } = JSON.parse(new TextDecoder().decode(Buffer.concat(chunks)));
    Object.assign(settings, changed);
    requests.length = 0;
    if (rotated) await rotate();
    else build();
  }
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ requests, keys: keys.map((key) => key.kid) }));
}
