// What a page cannot do by itself: remember how it is to look, tell its time zone, and come back when the gateway does.
(function () {
  'use strict';

  const remembered = () => { try { return localStorage.getItem('lumiku-ops-theme'); } catch { return null; } };

  const dress = theme => {
    const root = document.documentElement;
    root.dataset.theme = theme || 'auto';
    const dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
    root.dataset.shade = dark ? 'dark' : 'light';
    document.getElementById('theme-light').media = dark ? 'not all' : 'all';
    document.getElementById('theme-dark').media = dark ? 'all' : 'not all';
    const button = document.getElementById('theme-switch');
    if (button) {
      button.setAttribute('aria-pressed', String(dark));
    }
  };

  dress(remembered());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => dress(remembered()));
  document.addEventListener('click', event => {
    if (event.target.closest && event.target.closest('#theme-switch')) {
      const theme = document.documentElement.dataset.shade === 'dark' ? 'light' : 'dark';
      try { localStorage.setItem('lumiku-ops-theme', theme); } catch { /* For this page alone, then. */ }
      dress(theme);
    }

    // By itself it would lead to the root, as every address here goes from there.
    if (event.target.closest && event.target.closest('.skip')) {
      event.preventDefault();
      document.getElementById('content').focus();
    }
  });

  // The server writes times; once it knows the zone, pages come right from the start.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = document.cookie.split('; ').includes('lumiku-ops-zone=' + encodeURIComponent(zone));
  if (zone && !known) {
    document.cookie = 'lumiku-ops-zone=' + encodeURIComponent(zone) + '; path=/ops; max-age=31536000; samesite=strict' + (location.protocol === 'https:' ? '; secure' : '');
    if (document.cookie.includes('lumiku-ops-zone=') && zone !== 'UTC') {
      location.reload();
    }
  }

  // A page that never gets its socket is loaded anew less and less often: a proxy that does not let it through stays so.
  const patience = 10000, longestPause = 300000;
  const failures = {
    get: () => { try { return Number(sessionStorage.getItem('lumiku-ops-failures')) || 0; } catch { return 0; } },
    set: count => { try { sessionStorage.setItem('lumiku-ops-failures', count); } catch { /* Not counted, then. */ } }
  };
  const isLive = () => document.querySelector('main[data-live]') !== null;
  const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

  const comeBack = async () => {
    document.documentElement.classList.add('offline');
    for (;;) {
      await pause(1000);
      try {
        // One that is stopping still answers, and says here that it is not ready.
        const answer = await fetch('/health/ready', { cache: 'no-store', signal: AbortSignal.timeout(3000) });
        if (answer.ok) {
          failures.set(failures.get() + 1);
          await pause(Math.min(longestPause, 1000 * (2 ** Math.min(failures.get(), 12) - 2)));
          location.reload();
          return;
        }
      } catch { /* Not yet. */ }
    }
  };

  document.addEventListener('DOMContentLoaded', () => {
    dress(remembered());
    Blazor.start({
      circuit: {
        // One request, and that a WebSocket: two could come to two replicas.
        configureSignalR: builder => builder.withUrl('_blazor', { skipNegotiation: true, transport: 1 }),
        reconnectionHandler: { onConnectionDown: comeBack, onConnectionUp: () => { } }
      },
      ssr: { disableDomPreservation: true }
    }).catch(() => { });

    // A start that failed is not told otherwise.
    setTimeout(() => { if (!isLive()) { comeBack(); } }, patience);
    new MutationObserver((_, observer) => { if (isLive()) { failures.set(0); observer.disconnect(); } })
      .observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-live'] });
  });
})();
