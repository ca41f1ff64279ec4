// What the test looks at from inside a page. The pages themselves have no scripts.

// channels reads a colour as red, green, blue and alpha.
function channels(text) {
  const n = text.match(/[\d.]+/g).map(Number);
  return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
}

function over(top, below) {
  return [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
}

// ground is the colour behind an element.
function ground(element) {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const c = channels(getComputedStyle(e).backgroundColor);
    layers.push(c);
    if (c[3] === 1) break;
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
}

// luminance and contrast are those of WCAG 2.2.
function luminance(c) {
  const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

function shown(e) {
  const box = e.getBoundingClientRect();
  return box.width > 0 && box.height > 0 && getComputedStyle(e).visibility === "visible";
}

// faint lists texts, and edges of what can be used, that stand out too little.
function faint() {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || !shown(e) || e.closest("svg")) continue;
    const style = getComputedStyle(e), behind = ground(e), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(over(channels(style.color), behind), behind);
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${text.slice(0, 60)}`);
  }
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea, button")) {
    if (!shown(e)) continue;
    const behind = ground(e.parentElement), style = getComputedStyle(e);
    const edge = Math.max(contrast(channels(style.borderTopColor), behind), contrast(over(channels(style.backgroundColor), behind), behind));
    if (edge < 3) found.push(`${edge.toFixed(2)} edge of ${e.name || e.textContent}`);
    const text = contrast(over(channels(style.color), ground(e)), ground(e));
    if (text < 4.5) found.push(`${text.toFixed(2)} text of ${e.name || e.textContent}`);
  }
  for (const e of document.querySelectorAll("svg .line, svg .bar, svg .fail, svg .much")) {
    const style = getComputedStyle(e), colour = e.classList.contains("line") ? style.stroke : style.fill;
    const behind = e.closest(".share") ? channels(getComputedStyle(e.closest("svg").querySelector(".rest")).fill) : ground(e.closest("svg").parentElement);
    if (e.getBoundingClientRect().width > 0 && contrast(channels(colour), behind) < 2.5) found.push(`${contrast(channels(colour), behind).toFixed(2)} ${e.getAttribute("class")} of a plot`);
  }
  return found;
}

// nameOf is what a screen reader calls an element, as far as these pages go.
function nameOf(e) {
  const by = e.getAttribute("aria-labelledby");
  return (e.getAttribute("aria-label") || (by && document.getElementById(by)?.textContent) || (e.labels && e.labels[0]?.textContent) || e.textContent || "").trim();
}

// faults lists what is wrong with the structure of the page.
function faults() {
  const found = [], say = (text, e) => found.push(`${text}: ${e.outerHTML.slice(0, 120)}`);
  if (document.documentElement.lang !== "en") found.push("the page has no language");
  if (!document.title.includes("·")) found.push(`the title is ${document.title}`);
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  if (document.querySelectorAll("script, [style], style").length) found.push("scripts or styles within the page");
  if (document.querySelectorAll("nav [aria-current=page]").length !== 1) found.push("the navigation does not say where one is");
  let level = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4")) {
    if (Number(h.tagName[1]) > level + 1) say("a level of headings is left out", h);
    level = Number(h.tagName[1]);
  }
  for (const e of document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, svg, [role=region], summary")) {
    if (!nameOf(e)) say("without a name", e);
  }
  for (const th of document.querySelectorAll("th")) if (th.scope !== "col" || !th.textContent.trim()) say("a heading of a column", th);
  for (const row of document.querySelectorAll("tbody tr")) if (row.cells.length !== row.closest("table").tHead.rows[0].cells.length) say("a row with other columns", row);
  for (const e of document.querySelectorAll("[id]")) if (document.querySelectorAll("#" + CSS.escape(e.id)).length > 1) say("an id twice", e);
  for (const e of document.querySelectorAll("a, button, select, summary")) {
    const box = e.getBoundingClientRect();
    if (shown(e) && !e.closest("td, .note, p, li, .forms") && box.height < 24) say("too small to hit (WCAG 2.2, 2.5.8)", e);
  }
  return found;
}

// wide lists what makes the page wider than the screen.
function wide() {
  return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth && !e.closest(".wide table, .skip, .hidden")).map((e) => e.outerHTML.slice(0, 80));
}

// clipped lists the buttons that one has to scroll a table for.
function clipped() {
  return [...document.querySelectorAll(".wide button")].filter((e) => e.getBoundingClientRect().right > e.closest(".wide").getBoundingClientRect().right + 1).map((e) => e.outerHTML.slice(0, 80));
}

// stops are the elements that the Tab key reaches.
function stops() {
  return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")].filter((e) => shown(e) || e.className === "skip");
}

function focusable() { return stops().length; }

// focused tells what has the focus, and whether that can be seen.
function focused() {
  const e = document.activeElement, style = getComputedStyle(e);
  return { name: nameOf(e), visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && e.getBoundingClientRect().right > 0 };
}
