const HIDDEN_FOR = 1_500;

/**
 * Listens while the page is shown, and rests once it has been hidden for a while. What it returns looks anew.
 *
 * An open stream would keep a page that is left out of the browser's back and forward cache.
 */
export function whileVisible(listen: () => void, rest: () => void): () => void {
  let hidden = 0;
  const look = () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(rest, HIDDEN_FOR);
    else listen();
  };
  document.addEventListener("visibilitychange", look);
  globalThis.addEventListener("pagehide", rest);
  globalThis.addEventListener("pageshow", look);
  return look;
}
