// What stands in for the tracker until it arrives: the object's calls, written down
// in order in `q` as [method, arguments, when]. The arguments are copied at once where
// they can be, for the page may change its objects before the tracker reads them. What is
// there already is kept, so a snippet pasted twice, or late, does no harm.
(function (w, n, o) {
  o = w[n] = w[n] || {};
  o.q = o.q || [];
  "eventP eventI eventT eventC consent optIn optOut reset".split(" ").forEach(function (m) {
    o[m] = o[m] || function () {
      var a = [].slice.call(arguments);
      try { a = JSON.parse(JSON.stringify(a)); } catch (e) {}
      o.q.push([m, a, Date.now()]);
    };
  });
})(window, "oct");
