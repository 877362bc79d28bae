/**
 * The one way in which something of the server's gets into the page: as text.
 */

type Child = Node | string | null | undefined;

/** An element with attributes and children; strings become text, never markup. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children.filter((child): child is Node | string => child !== null && child !== undefined));
  return made;
}

/** The same for SVG. */
export function svg(
  tag: string,
  attributes: Record<string, string | number> = {},
  ...children: Child[]
): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child): child is Node | string => child !== null && child !== undefined));
  return made;
}

/** A button that says what it does also where its label is a sign. */
export function button(label: string, title: string, act: () => void): HTMLButtonElement {
  const made = el('button', { type: 'button', class: 'jp-Button ntl-button', title, 'aria-label': title }, label);
  made.addEventListener('click', act);
  return made;
}

/** Set an element's text, without touching the page where it is the same. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
