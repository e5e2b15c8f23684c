// Lets the admin's libraries keep to a policy without inline styles. Runs before Alpine and before htmx starts.

interface Htmx {
  config: { includeIndicatorStyles: boolean; allowEval: boolean };
}

const { htmx } = window as Window & { htmx?: Htmx };
if (htmx) {
  htmx.config.includeIndicatorStyles = false;
  htmx.config.allowEval = false;
}

// Alpine writes `x-bind:style` as an attribute, which the policy refuses; the same text through the style object it allows
const setAttribute = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name: string, value: string): void {
  if (name === "style" && (this instanceof HTMLElement || this instanceof SVGElement)) {
    this.style.cssText = value;
  } else {
    setAttribute.call(this, name, value);
  }
};

// The theme is the account's; the admin would rather remember its own
localStorage.setItem("adminTheme", JSON.stringify(document.documentElement.className || "auto"));
