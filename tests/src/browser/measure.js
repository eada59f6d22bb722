// What is to be seen of the page in each frame, as JSON: of a page
//   text       all that is visible
//   overflow   by how many pixels the page is wider than its frame
//   faint      texts whose contrast with what is behind them is less than 4.5, with the ratio
//   outside    parts of pictures that lie outside of them, and texts that lie over each other
//   unnamed    tables without caption, headers without scope, pictures without title, parts without name
//   anchors    links within the page that lead nowhere
//   headings   level and text of each heading
//   left       numbers that are not aligned to the right
//   scripts    errors and refused parts of the page
addEventListener("load", function () {
  var frames = Array.prototype.slice.call(document.querySelectorAll("iframe"));
  document.getElementById("measured").textContent = JSON.stringify(frames.map(measure));
});

function measure(frame) {
  var page = frame.contentDocument, view = frame.contentWindow;
  var all = function (selector, root) { return Array.prototype.slice.call((root || page).querySelectorAll(selector)); };
  var root = page.documentElement;
  var folded = all("details:not([open])").length;
  var found = {
    lang: root.lang,
    title: page.title,
    overflow: root.scrollWidth - root.clientWidth,
    folded: folded,
    filter: all("#filter").some(function (input) { return input.offsetWidth > 0; }),
    scripts: all("script").length,
    headings: all("h1, h2, h3, h4").filter(isVisible).map(function (h) { return [Number(h.tagName[1]), h.innerText]; }),
    commands: all("pre code").map(function (code) { return code.textContent; }),
    captions: all("caption").map(function (caption) { return caption.textContent; }),
    text: page.body.innerText,
  };
  all("details").forEach(function (details) { details.open = true; });
  found.unfolded = page.body.innerText;
  found.rows = all("table").map(function (table) {
    return all("tbody tr", table).map(function (row) { return all("th, td", row).map(function (cell) { return cell.innerText.replace(/\s+/g, " ").trim(); }); });
  });
  found.overflowUnfolded = root.scrollWidth - root.clientWidth;
  found.faint = all("body *").filter(hasText).filter(isVisible).map(contrast).filter(function (f) { return f.ratio < 4.5; });
  found.unnamed = [].concat(
    all("table").filter(function (t) { return !t.caption || !t.caption.textContent.trim(); }),
    all("th").filter(function (th) { return !th.scope; }),
    all("svg").filter(function (svg) { return svg.getAttribute("role") !== "img" || !all("title", svg).length || !all("desc", svg).length; }),
    all("[aria-labelledby]").filter(function (e) { return e.getAttribute("aria-labelledby").split(" ").some(function (id) { return !page.getElementById(id); }); }),
    all("input").filter(function (input) { return !input.labels.length; }),
    all(".scroll").filter(function (e) { return e.tabIndex !== 0; })
  ).map(function (e) { return e.outerHTML.slice(0, 120); });
  found.anchors = all("a[href^='#']").map(function (a) { return a.getAttribute("href"); }).filter(function (href) { return !page.getElementById(href.slice(1)); });
  var ids = all("[id]").map(function (e) { return e.id; });
  found.twice = ids.filter(function (id, n) { return ids.indexOf(id) !== n; });
  found.left = all("td.number").filter(function (td) { return view.getComputedStyle(td).textAlign !== "right"; }).length;
  found.numerals = all("td.number").every(function (td) { return view.getComputedStyle(td).fontVariantNumeric.indexOf("tabular-nums") >= 0; });
  found.outside = [].concat.apply([], all("svg").map(function (svg) {
    var box = svg.viewBox.baseVal;
    var texts = all("text", svg).map(function (text) { return { text: text.textContent, box: text.getBBox() }; });
    var out = texts.filter(function (t) { return t.box.x < 0 || t.box.y < 0 || t.box.x + t.box.width > box.width || t.box.y + t.box.height > box.height; });
    var over = texts.filter(function (a, n) { return texts.slice(n + 1).some(function (b) { return overlap(a.box, b.box); }); });
    return out.concat(over).map(function (t) { return t.text; });
  }));
  found.wide = all("main *").filter(isVisible).filter(function (e) {
    return !e.closest(".scroll") && e.getBoundingClientRect().right > root.clientWidth + 1;
  }).map(function (e) { return e.outerHTML.slice(0, 120); });
  return found;

  function overlap(a, b) {
    var width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
    var height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
    return width > 1 && height > 3;
  }
  function hasText(element) {
    return Array.prototype.some.call(element.childNodes, function (node) { return node.nodeType === 3 && node.textContent.trim(); });
  }
  function isVisible(element) {
    var style = view.getComputedStyle(element), box = element.getBoundingClientRect();
    return style.visibility === "visible" && style.display !== "none" && box.width > 0 && box.height > 0 && box.right > 0;
  }
  function rgba(text) {
    var parts = text.match(/[\d.]+/g).map(Number);
    return { r: parts[0], g: parts[1], b: parts[2], a: parts.length > 3 ? parts[3] : 1 };
  }
  function luminance(c) {
    var channel = [c.r, c.g, c.b].map(function (v) { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); });
    return 0.2126 * channel[0] + 0.7152 * channel[1] + 0.0722 * channel[2];
  }
  function behind(element) {
    for (var e = element; e; e = e.parentElement) {
      var background = rgba(view.getComputedStyle(e).backgroundColor);
      if (background.a > 0) { return background; }
    }
    return { r: 255, g: 255, b: 255, a: 1 };
  }
  function contrast(element) {
    var style = view.getComputedStyle(element);
    var ink = luminance(rgba(element instanceof view.SVGElement ? style.fill : style.color)), paper = luminance(behind(element));
    var ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    return { text: element.textContent.trim().slice(0, 60), ratio: ratio };
  }
}
