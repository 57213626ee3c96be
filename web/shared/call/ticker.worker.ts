/** A clock for the heartbeat: browsers slow the timers of hidden pages to one a minute, but not those of workers. */
setInterval(() => postMessage(0), 500);
