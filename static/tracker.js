// The browser tracker: what happens on a page becomes events, each kept until the gateway
// has answered for it. It never throws into the page and never holds it up: whatever a
// browser lacks or forbids (cookies, storage, locks) only makes it remember less.
// Reads from top to bottom: configuration, storage, visitor, context, outbox, sending,
// public calls, start. Only whitespace and comments are stripped before it is served, so:
// every semicolon, and few and short words, for each counts towards the size.
(function () {
  'use strict';

  // Around everything that the page or the browser calls.
  function guarded(call) {
    return function () {
      try { return call(...arguments); } catch (e) {}
    };
  }

  guarded(() => {

    // -- configuration --------------------------------------------------------------------

    // Known only while the script runs for the first time, so it is read right here.
    const script = document.currentScript;
    const options = script.dataset;
    const beacon = new URL(options.beacon || 'e', script.src).href;

    // Kept in the browser: `octethUUID` the visitor's token, `octeth_seed` what it is made
    // from at first, `oempro_pr` the campaign (spelled out below, that is shorter).

    // -- storage --------------------------------------------------------------------------
    // Merely touching cookies or storage throws where they are forbidden (sandboxed frames,
    // blocked site data): then nothing is found and nothing kept, and nobody need know.

    const readCookie = guarded((name) => {
      const found = ('; ' + document.cookie).split('; ' + name + '=')[1];
      return found && decodeURIComponent(found.split(';')[0]);
    });

    const writeCookie = guarded((name, value, days) => {
      document.cookie = name + '=' + encodeURIComponent(value) + ';path=/;SameSite=Lax;Max-Age=' +
        days * 86400 + (location.protocol === 'https:' ? ';Secure' : '');
    });

    const readLocal = guarded((name) => localStorage.getItem(name) || undefined);

    const writeLocal = guarded((name, value) => localStorage.setItem(name, value));

    // -- visitor --------------------------------------------------------------------------
    // The server gives out the visitor's uuid, in a signed token. Until one is here, pages
    // send a random seed which the server derives the uuid from; all pages of a browser
    // share the seed, so however many race on the first visit, they are one visitor. The
    // seed goes with every request, for the server may find the token damaged.

    let token;   // as the server last answered it: outranks what is stored
    let uuid = null;
    let seed;

    // Version 4. Not crypto.randomUUID: that is missing on plain http.
    function randomUuid() {
      return '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) =>
        (digit ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> digit / 4).toString(16));
    }

    // What another page has written meanwhile, else our own. All that takes time comes
    // before the look at the cookie, for a page that writes in between would be overruled.
    function currentSeed() {
      seed = readLocal('octeth_seed') || seed || randomUuid().replace(/-/g, '');
      const found = readCookie('octeth_seed');
      if (found) { return found; }
      writeCookie('octeth_seed', seed, 1);
      // Reading it back also makes sure that the write has left this process.
      if (!readCookie('octeth_seed')) { writeLocal('octeth_seed', seed); }
      return seed;
    }

    function pause(ms) {
      return new Promise((resolve) => setTimeout(resolve, ms));
    }

    // With locks only one page at a time looks and writes (and a lock that somebody sits on
    // must not keep events back). Without them, on plain http, two pages may write at once:
    // the last one wins, and all read again a bit later.
    async function agreeOnSeed() {
      try {
        await Promise.race([navigator.locks.request('octeth_seed', currentSeed), pause(1000)]);
      } catch (e) {
        currentSeed();
        await pause(80);
      }
    }

    function keepVisitor(answer) {
      uuid = answer.uuid || uuid;
      token = answer.visitor || token;
      if (token) {
        writeLocal('octethUUID', token);
        // The server's own cookie did not get here (another site), or is out of date.
        if (readCookie('octethUUID') !== token) { writeCookie('octethUUID', token, 400); }
      }
    }

    // Which campaign's link brought the visitor here: kept, for conversions may come later.
    const landed = new URLSearchParams(location.search).get('pr') || '';
    const pr = landed.length <= 2000 && landed;

    // Scanners open the links in mails too, and some run our script: a click counts for
    // somebody only once there is a sign of a person. 1 when seen, 2 when the gateway knows.
    let human = 0;

    function watchForPerson() {
      const seen = guarded((event) => {
        if (!human && (event ? event.isTrusted : document.visibilityState === 'visible')) {
          human = 1;
          wake(0);
        }
      });
      ['pointerdown', 'keydown', 'touchstart'].forEach((type) =>
        addEventListener(type, seen, { passive: true, capture: true }));
      setTimeout(seen, 5000);
    }

    // -- context --------------------------------------------------------------------------

    function context() {
      const referrer = document.referrer || null;
      return {
        $browser_language: navigator.language,
        $current_url: location.href,
        $host: location.host,
        $lib: 'gateway-js',
        $lib_version: '1',
        $pageTitle: document.title,
        $pathname: location.pathname,
        $referrer: referrer,
        $referring_domain: referrer && new URL(referrer).hostname,
        $screen_height: screen.height,
        $screen_width: screen.width,
        $viewport_height: innerHeight,
        $viewport_width: innerWidth
      };
    }

    // -- outbox ---------------------------------------------------------------------------
    // Every event from its call until an answer names it, oldest first. Event and context
    // are kept as the JSON they were at the moment of the call.

    let outbox = [];
    let seq = 0;

    // `given` are the page's properties, `own` the ones that belong to this kind of event.
    function record(delay, event, given, own, email, identifyProperties) {
      const id = randomUuid();
      outbox.push({
        id,
        context: JSON.stringify(context()),
        json: JSON.stringify({
          id,
          seq: ++seq,
          event,
          at: calledAt || Date.now(),
          properties: Object.assign({}, snapshot(given), own),
          email,
          identifyProperties: snapshot(identifyProperties)
        })
      });
      // A page that never gets through must not grow for ever.
      outbox = outbox.slice(-1000);
      wake(delay);
    }

    // -- sending --------------------------------------------------------------------------
    // One request at a time. An event is sent again, with the same id, until it is answered;
    // the server keeps it once.

    let sending;
    let timer;
    let due;            // when the timer will fire
    let notBefore = 0;  // the server's wish, or our own backoff
    let failures = 0;   // in a row
    let lost = 0;       // of these, the ones without any answer at all

    // The earliest wish wins, but nothing goes out before it may. The clock is not Date's:
    // one that is set back would keep everything waiting.
    function wake(delay) {
      const wanted = Math.max(performance.now() + delay, notBefore);
      if (due <= wanted) { return; }
      clearTimeout(timer);
      due = wanted;
      timer = setTimeout(send, due - performance.now());
    }

    // With jitter, or all pages would come back in the same instant.
    function backOff(seconds) {
      notBefore = performance.now() + (1 + Math.random() / 4) *
        (seconds * 1000 || Math.min(1000 * 2 ** failures++, 48000));
    }

    // What of these goes in one request: of one context, and not too much. Browsers keep
    // 64 KiB alive after the page; a character has up to three bytes, and the rest of the
    // request needs its room.
    function take(entries) {
      let length = 0;
      const batch = entries.slice(0, 50).filter((entry) => entry === entries[0] ||
        entry.context === entries[0].context && (length += entry.json.length) < 15000);
      batch.forEach((entry) => { entry.away = true; });
      return batch;
    }

    function bodyOf(batch) {
      return JSON.stringify({
        v: 1,
        user: options.user,
        list: options.list,
        visitor: token || readCookie('octethUUID') || readLocal('octethUUID'),
        seed: currentSeed(),
        pr: pr || readCookie('oempro_pr'),
        human: !!human,
        sent_at: Date.now()
      }).slice(0, -1) + ',"context":' + (batch[0] ? batch[0].context : '{}') +
        ',"events":[' + batch.map((entry) => entry.json) + ']}';
    }

    function post(body) {
      return fetch(beacon, {
        method: 'POST',
        body,   // a string goes as text/plain, which needs no preflight
        credentials: 'include',
        keepalive: new Blob([body]).size < 60000
      });
    }

    async function send() {
      due = undefined;
      if (sending || !outbox[0] && human !== 1) { return; }
      sending = true;
      let batch = [];
      let left = batch;
      let wish;
      try {
        await agreeOnSeed();
        batch = left = take(outbox);
        const response = await post(bodyOf(batch));
        wish = response.headers.get('Retry-After');
        const answer = response.ok && await response.json();
        // A refusal other than these will not get better by trying again.
        left = batch.filter((entry) => answer ? !answer.results.some(
          (result) => result.id === entry.id && result.result !== 'retry') :
          response.status === 429 || response.status >= 500);
        if (answer) { keepVisitor(answer); human = human && 2; }
        lost = 0;
      } catch (e) {
        lost++;
      }
      // To the back, or one event that is never taken would hold up all others.
      outbox = outbox.filter((entry) => !batch.includes(entry)).concat(left);
      left.forEach((entry) => { entry.away = false; });
      if (left[0]) { backOff(wish); } else { failures = 0; }
      sending = false;
      // Offline or blocked, more tries are no use: the next event or `online` wakes us.
      if (lost < 3) { wake(0); }
    }

    // The page may be gone in a moment: hand all that waits to the browser. No answer comes
    // back, so it stays in the outbox, in case the page returns.
    function flush() {
      clearTimeout(timer);
      due = undefined;
      let waiting;
      while ((waiting = outbox.filter((entry) => !entry.away))[0]) {
        const body = bodyOf(take(waiting));
        if (!guarded(() => navigator.sendBeacon(beacon, body))()) { post(body).catch(() => {}); }
      }
    }

    // Not unload: phones do not fire it, and it keeps pages out of the back/forward cache.
    function listen(type) {
      addEventListener(type, guarded(() => {
        if (type === 'pagehide' || document.visibilityState === 'hidden') { return flush(); }
        // What kept us from the network is over; a server's wish to be left alone is not.
        if (lost) { lost = notBefore = 0; }
        wake(0);
      }));
    }

    // -- public calls ---------------------------------------------------------------------

    let calledAt;   // of a call that is replayed
    let viewed;     // this page has its page view

    function isPlain(value) {
      return Object.prototype.toString.call(value) === '[object Object]';
    }

    // As it is now, for the page may change its object later. Nothing if it is not one.
    const snapshot = guarded((value) => isPlain(value) ? JSON.parse(JSON.stringify(value)) : undefined);

    const calls = {
      eventP(url, properties) {
        viewed = true;
        // Not just anything is a url: as a click handler this is called with an Event.
        record(0, 'pageView', isPlain(url) ? url : properties,
          { url: typeof url === 'string' && url || location.href });
      },

      eventI(email, properties, identifyProperties) {
        // A hash stands for an address that the page does not want to show.
        const own = /^[0-9a-f]{64}$/i.test(email) ? {} : { emailAddress: email };
        if (email) { record(0, 'identify', properties, own, email, identifyProperties); }
      },

      eventT(name, properties) {
        if (name) { record(500, name, properties); }
      },

      eventC(id, name, value, properties) {
        record(0, 'conversion', properties,
          { 'conversion-id': id, 'conversion-name': name, 'conversion-value': value });
      },

      uuid() {
        return uuid;
      }
    };

    // -- start ----------------------------------------------------------------------------

    const start = guarded(() => {
      const name = options.lobj || 'oct';
      const api = window[name] = window[name] || {};
      // The object speaks for the first list that took it; the script loaded again is idle.
      if (api.list) { return; }
      api.list = options.list;
      if (pr) { writeCookie('oempro_pr', pr, 30); watchForPerson(); }
      ['pagehide', 'visibilitychange', 'online'].forEach(listen);
      for (const call in calls) { api[call] = guarded(calls[call]); }
      const replay = guarded((entry) => {
        calledAt = entry[2];
        api[entry[0]](...entry[1]);
        calledAt = 0;
      });
      (api.q || []).forEach(replay);
      // A page that kept hold of a waiting call still gets through.
      api.q = { push: replay };
      if (!viewed) { api.eventP(); }
    });

    // A page drawn ahead of its visit has not been seen, and may never be.
    if (document.prerendering) {
      document.addEventListener('prerenderingchange', start);
    } else {
      start();
    }
  })();
})();
