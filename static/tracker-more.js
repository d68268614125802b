// What only some pages want of the tracker, fetched on a landing page of a mail's link (to see
// whether a person opened it) and when the script tag asks for it:
// data-spa, data-outbound, data-downloads, data-forms, data-debug (or ?oct_debug in the
// address), and elements that carry data-oct-event. It listens only: no preventDefault, no
// stopPropagation, nothing waits for it; an event of a click that leaves the page is in the
// outbox before the page goes.
(() => {
  const [api, options, log] = document.currentScript.tracker;

  const guarded = (call) => (...given) => {
    try { return call(...given); } catch (e) {}
  };

  const asked = (name) => name in options;

  // -- debugging --------------------------------------------------------------------------

  function explain(first, ...rest) {
    if (typeof first === 'string') {
      const [properties, refused, allowed] = rest;
      const fate = refused ? 'not sent: the visitor does not want it' :
        allowed ? 'will be sent' : 'held until there is consent';
      return console.info('oct', first, fate, properties);
    }
    if (first > 0) {
      const fate = { 200: 'answered', 429: 'to be sent again: too many', 503: 'to be sent again: busy' };
      return console.info('oct', fate[first] || 'refused: ' + first, rest[0]);
    }
    console.warn('oct', 'not sent, kept for another try', first);
  }

  if (asked('debug') || /[?&]oct_debug/.test(location.search)) {
    log.forEach((said) => explain(...said));
    log.push = guarded((said) => explain(...said));
  } else {
    log.push = () => {};
  }

  // -- a sign of a person -----------------------------------------------------------------
  // Scanners open the links in mails too, and some run our script: a click counts for somebody
  // only once there is trusted input, or the page has been visible for five seconds.

  const kept = guarded(() => (('; ' + document.cookie).split('; octethUUID=')[1] || '').split(';')[0] ||
    localStorage.octethUUID);
  const landed = /[?&]pr=([\w.-]+)/.exec(location.search);
  const beacon = new URL(options.beacon || 'e', document.currentScript.src);

  if (landed) {
    let told;
    const tell = guarded((event) => {
      // Who does not want to be tracked, or has not been asked yet, has no token to tell with.
      const visitor = kept();
      if (told || !visitor || (event ? !event.isTrusted : document.hidden)) { return; }
      told = true;
      fetch(beacon, {
        method: 'POST',
        body: JSON.stringify({
          v: 1, user: options.user, list: options.list, visitor, pr: landed[1], human: true, events: []
        }),
        credentials: 'include',
        keepalive: true
      }).catch(() => { told = false; });
    });
    ['pointerdown', 'keydown', 'touchstart'].forEach((type) =>
      addEventListener(type, tell, { passive: true, capture: true }));
    setTimeout(tell, 5000);
  }

  // -- elements ---------------------------------------------------------------------------

  // data-oct-product-id="101" is the property product_id.
  function propertiesOf(element) {
    const found = {};
    for (const { name, value } of element.attributes) {
      const key = /^data-oct-(?!event$)(.+)/.exec(name);
      if (key) { found[key[1].replace(/-/g, '_')] = value; }
    }
    return found;
  }

  const FILES = /\.(pdf|zip|docx?|xlsx?|pptx?|csv|txt|rtf|epub|mp3|mp4|mov|avi|wav|dmg|pkg|exe|msi|apk|iso|gz|tgz|rar|7z)$/i;

  function follow(link) {
    if (!/^https?:$/.test(link.protocol)) { return; }
    const url = link.href.split(/[?#]/)[0];
    const file = FILES.exec(link.pathname);
    if (asked('downloads') && file) {
      api.eventT('file_download', { link_url: url, file_extension: file[1].toLowerCase() });
    } else if (asked('outbound') && link.host !== location.host) {
      api.eventT('outbound_click', { link_url: url, link_domain: link.hostname });
    }
  }

  // Links inside components too: the path of the event has them, its target may not.
  function closest(event, selector) {
    return event.composedPath().find((node) => node.matches && node.matches(selector));
  }

  const clicked = guarded((event) => {
    // The right button opens a menu and nothing else.
    if (event.button > 1) { return; }
    const element = closest(event, '[data-oct-event]:not(form)');
    if (element) { api.eventT(element.dataset.octEvent, propertiesOf(element)); }
    const link = closest(event, 'a[href],area[href]');
    if (link) { follow(link); }
  });

  // The names of fields and what is typed into them stay on the page.
  const submitted = guarded((event) => {
    const form = event.target;
    if (form.dataset.octEvent) {
      api.eventT(form.dataset.octEvent, propertiesOf(form));
    } else if (asked('forms')) {
      api.eventT('form_submit', {
        form_id: form.getAttribute('id') || undefined,
        form_name: form.getAttribute('name') || undefined,
        form_action: (form.getAttribute('action') || location.pathname).split(/[?#]/)[0]
      });
    }
  });

  // In the capture phase: a page that stops the event on its way cannot keep it from us.
  addEventListener('click', clicked, true);
  addEventListener('auxclick', clicked, true);
  addEventListener('submit', submitted, true);

  // -- single-page applications -----------------------------------------------------------

  // A view when the path has changed, and the title had time to. replaceState is no visit.
  if (asked('spa')) {
    let timer;
    const look = guarded(() => {
      if (timer && api.viewed !== location.pathname) { api.eventP(); }
      timer = clearTimeout(timer);
    });
    const moved = guarded(() => {
      clearTimeout(timer);
      timer = setTimeout(look, 200);
    });
    const push = history.pushState;
    history.pushState = function () {
      const before = location.pathname;
      look();   // what came before this was a visit too, however short
      const answer = push.apply(this, arguments);
      if (before !== location.pathname) { moved(); }
      return answer;
    };
    addEventListener('popstate', moved);
    // The page may be gone before the title has settled.
    addEventListener('pagehide', look, true);
    if (api.viewed) { moved(); }
  }
})();
