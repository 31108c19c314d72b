/* Waiting for others (back ends, daemons, guests) with a time limit and a way out by signal. */
#pragma once

/* Ask @check again and again, soon at first, then every 50 ms. @check: > 0 done, 0 not yet, < 0 error.
 * Returns 0; @check's error; -ETIMEDOUT; -EINTR: wait_cancel() was called. */
int wait_until(int (*check)(void *arg), void *arg, unsigned int timeout_ms);

/* From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT do not kill us but make waits return -EINTR, so that what was
 * begun can be undone. */
void wait_catch_signals(void);

/* Has one of them come? */
int wait_is_cancelled(void);
