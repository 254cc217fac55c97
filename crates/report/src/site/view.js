// Keys, live pages, and what a chart says where one points. Every page is whole without it.
"use strict";
(() => {
  const items = () => [...document.querySelectorAll("main [data-item]")];
  let at = -1;

  const choose = (next) => {
    const all = items();
    if (!all.length) return;
    all.forEach((item) => item.classList.remove("at"));
    at = Math.max(0, Math.min(next, all.length - 1));
    all[at].classList.add("at");
    all[at].scrollIntoView({ block: "nearest" });
    const link = all[at].querySelector("a[href]");
    if (link) link.focus({ preventScroll: true });
  };

  const follow = (selector) => {
    const link = document.querySelector(selector);
    if (link) location.href = link.href;
  };

  const keys = document.getElementById("keys");
  const help = () => (keys.open ? keys.close() : keys.showModal());
  document.querySelector("button.help").addEventListener("click", help);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const search = document.querySelector("main input[type=search]");
    const does = {
      j: () => choose(at + 1),
      k: () => choose(at - 1),
      n: () => follow("main a[rel=next]"),
      p: () => follow("main a[rel=prev]"),
      u: () => follow("nav.way li:nth-last-child(2) a"),
      "/": () => search && (search.focus(), search.select()),
      "?": help,
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });

  // What scrolls sideways can be scrolled by keys.
  const scrollable = () =>
    document.querySelectorAll(".wide").forEach((wide) => {
      if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
    });
  scrollable();

  // A form that is sent says nothing of fields that are empty, so that addresses say what is chosen and no more.
  document.addEventListener("submit", (event) => {
    for (const field of event.target.elements) {
      if (field.name && !field.value) field.disabled = true;
    }
    setTimeout(() => [...event.target.elements].forEach((field) => (field.disabled = false)));
  });
  document.addEventListener("change", (event) => {
    if (event.target.tagName === "SELECT" && event.target.form) event.target.form.requestSubmit();
  });

  // Where one points at a chart: the nearest point of each of its lines.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const readable = (value) => (value === 0 ? "0" : String(Number(value.toPrecision(3)))).replace("-", "−");
  document.addEventListener("pointermove", (event) => {
    const svg = event.target.closest && event.target.closest("svg[data-plane]");
    if (!svg) {
      tip.hidden = true;
      return;
    }
    const [left, right, top, bottom, x0, x1, y0, y1, scale] = svg.dataset.plane.split(" ").map((v, i) => (i < 8 ? Number(v) : v));
    const box = svg.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const valueX = (x) => x0 + ((x - left) / (right - left)) * (x1 - x0);
    const valueY = (y) => {
      const value = y0 + ((bottom - y) / (bottom - top)) * (y1 - y0);
      return scale === "log" ? 10 ** value : value;
    };
    let nearest = null;
    const told = [];
    for (const group of svg.querySelectorAll("g")) {
      const path = group.querySelector("path.line");
      if (!path) continue;
      const points = [...path.getAttribute("d").matchAll(/[ML]([-\d.]+) ([-\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]);
      if (!points.length) continue;
      const best = points.reduce((one, other) => (Math.abs(other[0] - place) < Math.abs(one[0] - place) ? other : one));
      if (nearest === null || Math.abs(best[0] - place) < Math.abs(nearest - place)) nearest = best[0];
      told.push(`${readable(valueY(best[1]))}  ${group.querySelector("title").textContent}`);
    }
    if (nearest === null) return;
    tip.textContent = `at ${readable(valueX(nearest))}\n${told.slice(0, 12).join("\n")}`;
    tip.hidden = false;
    const width = tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(event.pageX + 14, document.documentElement.clientWidth - width - 8))}px`;
    tip.style.top = `${event.pageY + 14}px`;
  });

  // A page that is live asks for itself again when the server says that something moved, and keeps what is open, chosen and written.
  const events = document.body.dataset.events;
  if (!events || !window.EventSource) return;
  const beat = document.querySelector(".beat");
  let revision = null;
  let asking = false;
  const renew = async () => {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = document.querySelector("main");
      const opened = [...main.querySelectorAll("details")].map((details) => details.open);
      const ticked = new Set([...main.querySelectorAll("input:checked")].map((input) => input.value));
      const busy = main.contains(document.activeElement) && /^(INPUT|SELECT)$/.test(document.activeElement.tagName);
      if (busy && document.activeElement.type !== "checkbox") return;
      main.replaceWith(page.querySelector("main"));
      const fresh = document.querySelector("main");
      [...fresh.querySelectorAll("details")].forEach((details, place) => (details.open = opened[place] || details.open));
      fresh.querySelectorAll("input[type=checkbox]").forEach((input) => (input.checked = ticked.has(input.value)));
      if (at >= 0) items()[at]?.classList.add("at");
      scrollable();
      beat.textContent = `live, ${new Date().toLocaleTimeString()}`;
      beat.classList.add("now");
      setTimeout(() => beat.classList.remove("now"), 800);
    } finally {
      asking = false;
    }
  };
  const source = new EventSource(events);
  source.addEventListener("revision", (event) => {
    if (revision !== null && event.data !== revision) renew();
    revision = event.data;
  });
  source.addEventListener("error", () => (beat.textContent = "not live: the server does not answer"));
  source.addEventListener("open", () => (beat.textContent = "live"));
})();
