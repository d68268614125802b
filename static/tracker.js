// The browser tracker: what happens on a page becomes events, each kept until the gateway
// has answered for it. It never throws into the page and never holds it up: whatever a
// browser lacks or forbids (cookies, storage, locks) only makes it remember less.
// Reads from top to bottom: configuration, storage, visitor, context, outbox, sending,
// privacy, public calls, start. Names are shortened before it is served; property names and
// texts are not, so those are few and short. What only some sites want is in tracker-more.js.
(() => {
  // Around everything that the page or the browser calls.
  const guarded = (call) => (...given) => {
    try { return call(...given); } catch (e) {}
  };

  guarded(() => {

    // -- configuration --------------------------------------------------------------------

    // Known only while the script runs for the first time, so it is read right here.
    const script = document.currentScript;
    const options = script.dataset;
    const beacon = new URL(options.beacon || 'e', script.src);
    const api = window[options.lobj || 'oct'] = window[options.lobj || 'oct'] || {};

    // The object speaks for the first list that took it; the script loaded again is idle.
    if (api.list) { return; }
    api.list = options.list;

    // 'off' or 'cookieless': what the list does with a visitor who asks not to be tracked.
    const unwatched = (navigator.globalPrivacyControl || navigator.doNotTrack == 1) &&
      options.privacy;

    // What the second file is for; what it prints for debugging waits in `log`.
    const wantsMore = /debug|(^|,)(spa|outb|down|forms|elem)/
      .test(Object.keys(options) + location.search);
    const log = wantsMore ? [] : { push() {} };

    // -- storage --------------------------------------------------------------------------
    // Kept in the browser: `octethUUID` the visitor's token, `octeth_seed` what it is made
    // from at first, `oempro_pr` the campaign, `octeth_choice` the visitor's word on being
    // tracked (1 or 0), `octeth_out…` an outbox a tab, and for the session the tab itself.
    // Merely touching cookies or storage throws where they are forbidden (sandboxed frames,
    // blocked site data), and a unwatched visitor's are not touched: then things that look the
    // same last as long as the page.

    const jar = unwatched ? { cookie: '' } : document;
    const local = guarded(() => !unwatched && localStorage)() || {};
    const session = guarded(() => !unwatched && sessionStorage)() || {};

    const readCookie = guarded((name) => {
      const found = ('; ' + jar.cookie).split('; ' + name + '=')[1];
      return found && found.split(';')[0];
    });

    // The cookie on the widest domain that takes it: tried from the end, found by reading back.
    // One that is there already stays, for a server's lasts longer than a script's.
    const write = guarded((name, value, days) => {
      const labels = location.hostname.split('.');
      let domain = '';
      while (labels[0] && (readCookie(name) || '') !== value) {
        domain = '.' + labels.pop() + domain;
        jar.cookie = name + '=' + value + ';path=/;SameSite=Lax;Max-Age=' +
          days * 86400 + ';domain=' + domain.slice(1) +
          (/s:/.test(location.protocol) ? ';Secure' : '');
      }
      local[name] = value;
    });

    const read = (name) => readCookie(name) || local[name];

    // -- visitor --------------------------------------------------------------------------
    // The server gives out the visitor's uuid, in a signed token. Until one is here, pages
    // send a random seed which the server derives the uuid from; all pages of a browser
    // share the seed, so however many race on the first visit, they are one visitor. The
    // seed goes with every request, for the server may find the token damaged.

    let uuid = null;
    let seed;

    // Which campaign's link brought the visitor here: kept, for conversions may come later.
    let pr = /[?&]pr=([\w.-]+)/.exec(location.search)?.[1];

    // Version 4. Not crypto.randomUUID: that is missing on plain http.
    function randomUuid() {
      return '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) =>
        (digit ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> digit / 4).toString(16));
    }

    // What another page has written meanwhile, else our own. All that takes time comes
    // before the look at the cookie, for a page that writes in between would be overruled.
    function currentSeed() {
      const own = local.octeth_seed || seed || randomUuid();
      seed = readCookie('octeth_seed') || own;
      // The cookie is read back, which also makes sure that it has left this process.
      write('octeth_seed', seed, 1);
      return seed;
    }

    // The cookie first: another tab, or the server, may have changed it.
    function identity() {
      return {
        visitor: read('octethUUID'),
        seed: currentSeed(),
        pr: pr || readCookie('oempro_pr'),
        alone: unwatched
      };
    }

    // A visitor called `!` asks for a new one: cookies that we cannot delete are overruled.
    function forget(mark) {
      seed = pr = '';
      uuid = null;
      ['octeth_seed', 'oempro_pr', 'octethUUID'].forEach((name) => write(name, '', 0));
      if (mark) { write('octethUUID', mark, 1); }
    }

    // -- context --------------------------------------------------------------------------

    // Secrets and people's addresses do not belong in an address that is sent on: by the name
    // of a parameter, by the look of an email address or of a signed token.
    function scrub(url) {
      return url.slice(0, 4096)
        .replace(/([?&#;](?!utm_)[^?&#;=]*(token|key|code|password|secret)=)[^&#]*/gi, '$1redacted')
        .replace(/([/?&#=])(?=[^/?&#=]+(@|%40)|eyJ[\w-]+\.)[^/?&#=]+/g, '$1redacted');
    }

    // Host, path, referring domain and the library's name are read from these by the server.
    function context() {
      return {
        $browser_language: navigator.language,
        $current_url: scrub(location.href),
        $lib_version: '2',
        $pageTitle: document.title,
        $referrer: scrub(document.referrer) || null,
        $screen_height: screen.height,
        $screen_width: screen.width,
        $viewport_height: innerHeight,
        $viewport_width: innerWidth
      };
    }

    // -- outbox ---------------------------------------------------------------------------
    // Every event from its call until an answer names it, oldest first. Storage has a copy a tab,
    // behind the time it was written at: a page that is alive renews that, and what nobody
    // has renewed for a minute was left behind and is taken over by whoever comes next.

    const prefix = 'octeth_out' + options.list;

    let outbox = [];
    let tab;
    let seq;        // of the last event of this tab
    let stored;     // whether storage has what `outbox` has
    let gone;       // once the page is: a time long ago (13 digits), so its events are free to take

    // Taken out while in use, so that a duplicated tab does not become the same one.
    function takeTab() {
      [tab, seq] = (session[prefix] || Math.random() * 2 ** 48 + ' 0').split(' ').map(Math.floor);
      delete session[prefix];
      collect();
    }

    function load(name) {
      return JSON.parse((local[name] || '').slice(13) || '[]');
    }

    function save() {
      if (!allowed) { return; }
      outbox.forEach((entry) => {
        entry.event.tab = entry.event.tab || tab;
        entry.event.seq = entry.event.seq || ++seq;
      });
      // At most 7 days, 200 events, 256 KB (a character takes two bytes).
      outbox = outbox.filter((entry) => Date.now() - entry.event.at < 6048e5).slice(-200);
      let text;
      while ((text = JSON.stringify(outbox)).length > 131e3) { outbox.shift(); }
      stored = guarded(() => {
        if (outbox[0]) { local[prefix + tab] = (gone || Date.now()) + text; } else { delete local[prefix + tab]; }
        return true;
      })();
    }

    // What this tab has, for another may have taken it over; and, with `all`, what nobody
    // looks after.
    const collect = guarded((all) => {
      if (stored) { outbox = []; }
      Object.keys(local).forEach(guarded((name) => {
        if (name === prefix + tab || all && name.startsWith(prefix) &&
            Math.abs(Date.now() - local[name].slice(0, 13)) > 6e4) {
          const found = load(name);
          delete local[name];
          outbox = found.concat(outbox);
        }
      }));
      save();
    });

    function pause(ms) {
      return new Promise((resolve) => setTimeout(resolve, ms));
    }

    function share() {
      collect(1);
      currentSeed();
    }

    // With locks only one page at a time looks and writes (and a lock that somebody sits on
    // must not keep events back). Without them, on plain http, two pages may write at once:
    // the last one wins, and all read again a bit later.
    async function agree() {
      try {
        await Promise.race([navigator.locks.request(prefix, share), pause(1000)]);
      } catch (e) {
        share();
        await pause(80);
      }
    }

    // `given` are the page's properties, `own` the ones that belong to this kind of event.
    function record(delay, event, given, own, email, identifyProperties) {
      log.push([event, given, refused, allowed]);
      if (refused) { return; }
      outbox.push({
        context: JSON.stringify(context()),
        event: {
          id: randomUuid(),
          event,
          at: calledAt || Date.now(),
          properties: { ...snapshot(given), ...own },
          email,
          identifyProperties: snapshot(identifyProperties)
        }
      });
      // Once for all calls of one moment.
      Promise.resolve().then(guarded(save));
      wake(delay);
    }

    // -- sending --------------------------------------------------------------------------
    // One request at a time. An event is sent again, with the same id, until it is answered;
    // the server keeps it once.

    let sending;
    let away = [];      // handed to the browser, not answered yet
    let timer;
    let notBefore = 0;  // the server's wish, or our own backoff
    let failures = 0;   // in a row
    let lost = 0;       // of these, the ones without any answer at all

    // What is wanted at once does not wait for the timer, but nothing goes out before it may.
    // The clock is not Date's: one that is set back would keep everything waiting.
    function wake(delay) {
      if (timer && delay) { return; }
      clearTimeout(timer);
      timer = setTimeout(() => send().catch(() => {}), Math.max(delay, notBefore - performance.now()));
    }

    // What of these goes in one request: of one context and one visitor, and not too much.
    // Browsers keep 64 KiB alive after the page; a character has up to three bytes, and the
    // rest of the request needs its room.
    function take(entries) {
      let length = 0;
      const batch = entries.filter((entry) => entry === entries[0] ||
        entry.context === entries[0].context && entry.as === entries[0].as &&
        (length += JSON.stringify(entry.event).length) < 15000);
      away = away.concat(batch);
      return batch;
    }

    function bodyOf(batch) {
      return JSON.stringify({
        v: 1,
        user: options.user,
        list: options.list,
        sent_at: Date.now(),
        ...batch[0].as || identity(),
        context: JSON.parse(batch[0].context),
        events: batch.map((entry) => entry.event)
      });
    }

    async function post(body, alone) {
      return fetch(beacon, {
        method: 'POST',
        body,   // a string goes as text/plain, which needs no preflight
        credentials: alone || unwatched ? 'omit' : 'include',
        keepalive: body.length < 20000,
        signal: AbortSignal.timeout?.(15000)
      });
    }

    async function send() {
      timer = 0;
      if (sending || !outbox[0] || !decide()) { return; }
      sending = true;
      let batch = [];
      let left = batch;
      let wish;
      try {
        await agree();
        if (outbox[0]) {
          batch = left = take(outbox);
          const as = batch[0].as;
          const response = await post(bodyOf(batch), as);
          wish = response.headers.get('Retry-After');
          const answer = response.ok ? await response.json() : {};
          // Any other refusal will not get better by trying again.
          left = batch.filter((entry) => /retry|200|408|429|5../.test(answer.results?.find(
            (result) => result.id === entry.event.id)?.result || response.status));
          log.push([response.status, answer.results]);
          if (!allowed || as !== batch[0].as) {
            // Meanwhile the visitor left, and the answer may have brought the cookie back.
            forget(allowed && '!');
          } else if (!as && answer.uuid) {
            uuid = answer.uuid;
            write('octethUUID', answer.visitor, 400);
          }
        }
        lost = 0;
      } catch (e) {
        lost++;
        log.push([e]);
      }
      // To the back, or one event that is never taken would hold up all others.
      outbox = outbox.filter((entry) => !batch.some((sent) => sent.event.id === entry.event.id))
        .concat(allowed ? left : []);
      away = [];
      // The outbox of this tab is the next page's by now.
      if (!gone) { save(); }
      if (left[0]) {
        // With jitter, or all pages would come back in the same instant.
        notBefore = performance.now() + (1000 + Math.random() * 250) *
          (Math.min(wish, 600) || Math.min(2 ** failures++, 48));
      } else {
        failures = 0;
      }
      sending = false;
      // Offline or blocked, more tries are no use: the next event or `online` wakes us.
      if (lost < 3) { wake(0); }
    }

    // The page may be gone in a moment: hand all that waits to the browser. No answer comes
    // back, so it stays in the outbox, for the next page or this one should it return.
    function flush() {
      save();
      let waiting;
      while (allowed && (waiting = outbox.filter((entry) => !away.includes(entry)))[0]) {
        const batch = take(waiting);
        const body = bodyOf(batch);
        guarded(() => navigator.sendBeacon(beacon, body))() || post(body).catch(() => {
          // What images are asked for ends up in logs: no people's addresses there.
          batch.forEach((entry) => {
            const small = bodyOf([entry]);
            if (!entry.event.email && small.length < 2000) {
              new Image().src = beacon + '?b=' + encodeURIComponent(small);
            }
          });
        });
      }
    }

    // Not unload: phones do not fire it, and it keeps pages out of the back/forward cache.
    function listen(type) {
      addEventListener(type, guarded((event) => {
        if (type === 'pagehide') {
          gone = 1e12;
          flush();
          if (allowed) { session[prefix] = tab + ' ' + seq; }
        } else if (document.hidden) {
          flush();
        } else {
          // Back from the back/forward cache: another page had our tab meanwhile.
          if (event.persisted) {
            gone = 0;
            if (allowed) { takeTab(); }
            api.viewed = 0;
            view({ $restored: true });
          }
          view();
          loadMore();
          // What kept us from the network is over; a server's wish to be left alone is not.
          if (lost) { lost = notBefore = 0; }
          wake(0);
        }
      }));
    }

    // -- privacy --------------------------------------------------------------------------

    let allowed;   // may store and send
    let refused;   // may not even hold

    function decide() {
      const choice = read('octeth_choice');
      refused = unwatched === 'off' || choice === '0';
      allowed = !refused && (choice === '1' || options.consent !== 'required');
      if (allowed && !tab) {
        takeTab();
        if (pr) {
          write('oempro_pr', '', 0);   // or the one that is there would not be kept longer
          write('oempro_pr', pr, 30);
        }
      }
      return allowed;
    }

    function choose(yes) {
      if (!yes) {
        outbox = [];
        save();
        forget();
      }
      write('octeth_choice', yes ? '1' : '0', 400);
      decide();
      wake(0);
    }

    // -- public calls ---------------------------------------------------------------------

    let calledAt;   // of a call that is replayed

    function isPlain(value) {
      return {}.toString.call(value) === '[object Object]';
    }

    // As it is now, for the page may change its object later. Nothing if it is not one.
    const snapshot = guarded((value) => isPlain(value) ? JSON.parse(JSON.stringify(value)) : undefined);

    const calls = {
      eventP(url, properties) {
        // Not just anything is a url: as a click handler this is called with an Event.
        const given = typeof url === 'string' && url || location.href;
        const link = Object.assign(document.createElement('a'), { href: given });
        if (link.pathname === location.pathname) { api.viewed = location.pathname; }
        record(0, 'pageView', isPlain(url) ? url : properties, { url: scrub(given) });
      },

      eventI(email, properties, identifyProperties) {
        // An address, or the hash of one that the page does not want to show.
        if (email) { record(0, 'identify', properties, {}, email, identifyProperties); }
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
      },

      consent: choose,

      optIn() {
        choose(1);
      },

      optOut() {
        choose();
      },

      // Who comes after a logout is somebody else; what happened before stays with the first.
      reset() {
        const before = { ...identity(), alone: true };
        outbox.forEach((entry) => { entry.as = entry.as || before; });
        if (allowed) { forget('!'); }
      }
    };

    // -- start ----------------------------------------------------------------------------

    // The page's own view: once it can be seen, and unless the page has told of it itself.
    function view(properties) {
      if (!api.viewed && !document.hidden) { api.eventP(properties); }
    }

    // Once, if the tag asks for it, a mail's link led here, or elements say what they mean.
    function loadMore() {
      if (!api.more && (wantsMore || pr || document.querySelector('[data-oct-event]'))) {
        api.more = true;
        document.head.append(Object.assign(document.createElement('script'), {
          src: script.src.replace(/(\.js)?$/, '.more.js'),
          integrity: script.integrity,   // has the hashes of both
          crossOrigin: '',
          nonce: script.nonce,
          tracker: [api, options, log]
        }));
      }
    }

    const start = guarded(() => {
      decide();
      ['pagehide', 'pageshow', 'visibilitychange', 'online'].forEach(listen);
      for (const call in calls) { api[call] = guarded(calls[call]); }
      const replay = guarded((entry) => {
        calledAt = entry[2];
        api[entry[0]](...entry[1]);
        calledAt = 0;
      });
      api.q?.forEach(replay);
      // A page that kept hold of a waiting call still gets through.
      api.q = { push: replay };
      view();
      wake(0);
      loadMore();
    });

    // A page drawn ahead of its visit has not been seen, and may never be.
    if (document.prerendering) {
      document.addEventListener('prerenderingchange', start);
    } else {
      start();
    }
  })();
})();
