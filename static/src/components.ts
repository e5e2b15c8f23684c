/** For the Components page only: shows what otherwise takes a broken connection to see. */

document.getElementById("lose-stream")?.addEventListener("click", () => {
  const strip = document.getElementById("live-strip");
  if (strip) strip.hidden = !strip.hidden;
});
