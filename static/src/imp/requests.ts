/** What every HTMX request carries, and what is said when one fails. */

import { onCustom } from "./dom.ts";
import { showToast, word } from "./toasts.ts";

interface Failure {
  xhr: XMLHttpRequest;
  requestConfig?: { triggeringEvent?: Event };
}

interface Swap extends Failure {
  shouldSwap: boolean;
  isError: boolean;
  serverResponse: string;
}

// A refetch that nobody asked for fails quietly: the strip of the lost stream says what is the matter
const UNASKED = new Set(["live", "load", "revealed"]);

function wasAsked({ requestConfig }: Failure): boolean {
  const [trigger = ""] = requestConfig?.triggeringEvent?.type.split(":") ?? [];
  // Without an event, it's only time that has gone by
  return trigger !== "" && !UNASKED.has(trigger);
}

/** problem+json says what went wrong in the words of the server; a page of HTML has its title. */
function explain(xhr: XMLHttpRequest): { title: string; text: string } {
  const kind = xhr.getResponseHeader("Content-Type") ?? "";
  if (kind.includes("json")) {
    try {
      const problem = JSON.parse(xhr.responseText) as { title?: string; detail?: string };
      return { title: problem.title ?? word("failed"), text: problem.detail ?? word("failedText") };
    } catch {
      return { title: word("failed"), text: word("failedText") };
    }
  }
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const title = page.querySelector("h1")?.textContent?.trim();
  return { title: title || word("failed"), text: title ? "" : word("failedText") };
}

export function startRequests(): void {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
  onCustom<{ verb: string; headers: Record<string, string> }>("htmx:configRequest", ({ verb, headers }) => {
    if (verb !== "get" && token) headers["X-CSRFToken"] = token;
  });
  // A form may come back with 409, 412 or 422; an error page never belongs into a fragment
  onCustom<Swap>("htmx:beforeSwap", (swap) => {
    if (swap.xhr.status >= 400 && /^\s*<!doctype/i.test(swap.serverResponse)) {
      swap.shouldSwap = false;
      swap.isError = true;
    }
  });
  onCustom<Failure>("htmx:responseError", (failure) => {
    const { xhr } = failure;
    const saidBefore = /"toast"/.test(xhr.getResponseHeader("HX-Trigger") ?? "");
    if (saidBefore || !wasAsked(failure)) return;
    showToast({ tone: "bad", ...explain(xhr), request_id: xhr.getResponseHeader("X-Request-Id") ?? "" });
  });
  for (const lost of ["htmx:sendError", "htmx:timeout"]) {
    onCustom<Failure>(lost, (failure) => {
      if (wasAsked(failure)) showToast({ tone: "bad", title: word("offline"), text: word("offlineText") });
    });
  }
}
