/**
 * What stands outside a list's table follows the table: the address, its exports and the order that its filters carry on.
 */

import { onCustom } from "./dom.ts";

const CURSOR = "cursor";
const FORMAT = "format";
const SORT = "sort";

interface Update {
  history: { type: string | null; path: string };
}

export function startLists(): void {
  // A table that came again, as others changed it, is no further page to go back from
  onCustom<Update>("htmx:beforeHistoryUpdate", ({ history }) => {
    if (history.path === location.pathname + location.search) history.type = "replace";
  });
  onCustom("htmx:pushedIntoHistory", () => {
    const query = new URLSearchParams(location.search);
    query.delete(CURSOR);
    for (const link of document.querySelectorAll<HTMLAnchorElement>(`a[download][href*="${FORMAT}="]`)) {
      if (link.pathname === location.pathname) exportWhat(link, query);
    }
    const filters = document.querySelector<HTMLFormElement>("form[data-list-filters]");
    if (filters) carryOrder(filters, query.get(SORT));
  });
}

function exportWhat(link: HTMLAnchorElement, query: URLSearchParams): void {
  const asked = new URLSearchParams(query);
  asked.set(FORMAT, new URLSearchParams(link.search).get(FORMAT) ?? "");
  link.search = asked.toString();
}

function carryOrder(filters: HTMLFormElement, order: string | null): void {
  const known = filters.querySelector<HTMLInputElement>(`input[name=${SORT}]`);
  if (!order) return known?.remove();
  const field = known ?? document.createElement("input");
  Object.assign(field, { type: "hidden", name: SORT, value: order });
  if (!known) filters.append(field);
}
