"use strict";
(function () {
  var all = Array.prototype.slice.call(document.querySelectorAll("details"));
  var folds = all.filter(function (details) { return details.hasAttribute("data-fold"); });
  folds.forEach(function (details) { details.open = false; });
  var before = [];
  addEventListener("beforeprint", function () {
    before = all.map(function (details) { return details.open; });
    all.forEach(function (details) { details.open = true; });
  });
  addEventListener("afterprint", function () {
    all.forEach(function (details, n) { details.open = before[n]; });
  });
  addEventListener("hashchange", unfold);
  unfold();
  function unfold() {
    var at = document.getElementById(location.hash.slice(1));
    var details = at && at.querySelector("details");
    if (details) { details.open = true; }
  }
  var filter = document.getElementById("filter");
  if (!filter) { return; }
  filter.parentNode.hidden = false;
  filter.addEventListener("input", function () {
    var sought = filter.value.toLowerCase();
    document.querySelectorAll("[data-exception]").forEach(function (element) {
      var about = document.getElementById(element.getAttribute("data-exception")).textContent;
      element.hidden = about.toLowerCase().indexOf(sought) < 0;
    });
  });
})();
