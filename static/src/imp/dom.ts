/** Listening on the document, so that what HTMX swaps in later is heard without being prepared. */

export function on<K extends keyof DocumentEventMap>(
  type: K,
  selector: string,
  handle: (element: HTMLElement, event: DocumentEventMap[K]) => void,
): void {
  document.addEventListener(type, (event) => {
    const element = event.target instanceof Element ? event.target.closest<HTMLElement>(selector) : null;
    if (element) handle(element, event);
  });
}

/** An event that the server or HTMX sends, with its details. The browser's own events of that name don't count. */
export function onCustom<Detail>(type: string, handle: (detail: Detail, event: CustomEvent<Detail>) => void): void {
  document.addEventListener(type, (event) => {
    if (event instanceof CustomEvent) handle(event.detail as Detail, event);
  });
}

export function find<T extends HTMLElement = HTMLElement>(id: string): T | null {
  return document.getElementById(id) as T | null;
}

/** The dialog that covers the page at the moment, if one does. */
export function openModal(): HTMLDialogElement | null {
  const open = document.querySelectorAll<HTMLDialogElement>("dialog:modal");
  return open[open.length - 1] ?? null;
}
