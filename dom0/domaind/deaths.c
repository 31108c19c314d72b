/* Deaths: the scan, and the list of jobs.
 *
 * A worker is a forked process with its own store connection, since reaping waits for back ends
 * that a guest may hold up: one stubborn guest must not keep another's restart. */
#include "dom0/domaind/deaths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/domaind/executor.h"
#include "dom0/domaind/worker.h"
#include "dom0/lib/domctl.h"
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "dom0/lib/sysctl.h"

static struct job *job_find(const struct deaths *d, enum job_kind kind, uint16_t domid)
{
	struct job *j = d->jobs;

	while (j && (j->kind != kind || j->domid != domid))
		j = j->next;
	return j;
}

static struct job *job_make(struct deaths *d, enum job_kind kind, uint16_t domid)
{
	struct job *j = job_find(d, kind, domid);

	if (j)
		return j;
	j = mem_alloc(sizeof *j);
	j->kind = kind;
	j->domid = domid;
	j->next = d->jobs;
	d->jobs = j;
	return j;
}

static void job_drop(struct deaths *d, struct job *job)
{
	struct job **at = &d->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	free(job);
}

/* ---- ends ---- */

static void worker_start(struct deaths *d, struct job *j)
{
	pid_t pid;

	if (j->pid || d->workers >= WORKERS_MAX || loop_now_ns() < j->retry_ns)
		return;
	pid = fork();
	if (pid == 0)
		_exit(worker_run(d->hypercalls, j->domid, j->action));
	if (pid < 0) {
		log_error("fork: %s", strerror(errno));
		return;
	}
	j->pid = pid;
	d->workers++;
	log_info("domain %u ended (%s): %s", j->domid, j->ending, action_name(j->action));
}

static enum domain_action record_action(struct deaths *d, uint16_t domid, const char *key)
{
	char path[64], value[32];

	snprintf(path, sizeof path, "/bothy/domain/%u/%s", domid, key);
	if (store_read_buf(d->store, STORE_NO_TX, path, value, sizeof value))
		return DOMAIN_REAP;
	return action_parse(value);
}

static bool record_is_preserved(struct deaths *d, uint16_t domid)
{
	char path[64], value[8];

	snprintf(path, sizeof path, "/bothy/domain/%u/preserved", domid);
	return store_read_buf(d->store, STORE_NO_TX, path, value, sizeof value) == 0;
}

/* The host goes down (bothy shutdown --host): a guest that ended stays ended. */
static bool host_is_stopping(struct deaths *d)
{
	char value[8];

	return store_read_buf(d->store, STORE_NO_TX, "/bothy/stopping", value, sizeof value) == 0;
}

static bool is_young(struct deaths *d, uint16_t domid)
{
	uint64_t age_ns;

	return domctl_age(d->hypercalls, domid, &age_ns) == 0 && age_ns < YOUNG_NS;
}

static enum domain_action end_action(struct deaths *d, uint16_t domid, uint32_t flags,
				     const char **ending)
{
	enum domain_action action, usual;
	struct policy policy = { .young = false };

	if (!(flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown)))
		return DOMAIN_LEAVE;
	policy.on_poweroff = record_action(d, domid, "on_poweroff");
	policy.on_reboot = record_action(d, domid, "on_reboot");
	policy.on_crash = record_action(d, domid, "on_crash");
	usual = action_for(flags, &policy);
	policy.young = is_young(d, domid);
	action = action_for(flags, &policy);
	if (action != usual)
		*ending = "crash at once, so no restart";
	return d->stopping && action != DOMAIN_LEAVE ? DOMAIN_REAP : action;
}

static void record_look(struct deaths *d, uint16_t domid,
			const struct xen_domctl_getdomaininfo *info)
{
	const char *ending = ending_name(info ? info->flags : 0);
	enum domain_action action =
		info ? end_action(d, domid, info->flags, &ending) : DOMAIN_REAP;
	struct job *j = job_find(d, JOB_END, domid);

	if (action == DOMAIN_LEAVE)
		return;
	if (action != DOMAIN_REAP && record_is_preserved(d, domid))
		return;
	if (!j) {
		j = job_make(d, JOB_END, domid);
		j->action = action;
		j->ending = ending;
	}
	worker_start(d, j);
}

static void records_match(struct deaths *d, char **names, unsigned int records,
			  const struct xen_domctl_getdomaininfo *list, uint32_t count)
{
	for (unsigned int i = 0; i < records; i++) {
		unsigned long domid = strtoul(names[i], NULL, 10);
		const struct xen_domctl_getdomaininfo *info = NULL;

		if (domid == 0 || domid >= DOMID_FIRST_RESERVED)
			continue;
		for (uint32_t k = 0; k < count; k++)
			if (list[k].domain == domid)
				info = &list[k];
		record_look(d, (uint16_t)domid, info);
	}
}

/* The records are read before the list of domains: a domain is older than its record, so one that
 * is recorded and not listed is gone, not new. */
static void records_scan(struct deaths *d)
{
	struct xen_domctl_getdomaininfo *list;
	unsigned int records;
	uint32_t count;
	char **names;
	int err;

	if (store_list(d->store, STORE_NO_TX, "/bothy/domain", &names, &records))
		return;
	err = sysctl_domain_list(d->hypercalls, &list, &count);
	if (err) {
		log_error("the list of domains: %s", strerror(-err));
	} else {
		records_match(d, names, records, list, count);
		free(list);
	}
	free(names);
}

/* ---- restarts ---- */

static void restart_ask(struct deaths *d, uint16_t domid)
{
	struct job *j = job_make(d, JOB_RESTART, domid);
	struct executor_request q = { .id = domid };
	char path[64];

	if (j->asked)
		return;
	snprintf(path, sizeof path, "/bothy/restart/%u", domid);
	if (store_read_buf(d->store, STORE_NO_TX, path, q.config, sizeof q.config))
		return;
	if (send(d->executor_fd, &q, sizeof q, MSG_NOSIGNAL) != (ssize_t)sizeof q) {
		log_error("the executor is gone");
		exit(1);
	}
	j->asked = true;
	log_info("domain %u: created again from %s", domid, q.config);
}

static void restarts_scan(struct deaths *d)
{
	unsigned int count;
	char **names;

	if (store_list(d->store, STORE_NO_TX, "/bothy/restart", &names, &count))
		return;
	for (unsigned int i = 0; i < count; i++) {
		unsigned long domid = strtoul(names[i], NULL, 10);

		/* First the end of the old one, then the new one. */
		if (domid > 0 && domid < DOMID_FIRST_RESERVED &&
		    !job_find(d, JOB_END, (uint16_t)domid))
			restart_ask(d, (uint16_t)domid);
	}
	free(names);
}

void deaths_executed(struct deaths *d, uint16_t domid, int status)
{
	struct job *j = job_find(d, JOB_RESTART, domid);
	char path[64];
	int err;

	if (status)
		log_error("domain %u: created again: bothy create ended with status %d", domid, status);
	snprintf(path, sizeof path, "/bothy/restart/%u", domid);
	err = store_rm(d->store, STORE_NO_TX, path);
	if (err)
		log_error("%s: %s", path, strerror(-err));
	if (j)
		job_drop(d, j);
}

/* ---- the whole ---- */

void deaths_scan(struct deaths *d)
{
	d->stopping = host_is_stopping(d);
	records_scan(d);
	if (!d->stopping)
		restarts_scan(d);
}

void deaths_child(struct deaths *d, pid_t pid, int status)
{
	struct job *j = d->jobs;

	while (j && j->pid != pid)
		j = j->next;
	if (!j)
		return;
	d->workers--;
	j->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		job_drop(d, j);
	} else {
		/* Whatever is left is found again by the next look, and tried for ever. */
		j->failures++;
		j->retry_ns = loop_now_ns() + RETRY_NS;
		log_warn("domain %u: %s failed, attempt %u", j->domid, action_name(j->action),
			 j->failures);
	}
	deaths_scan(d);
}

bool deaths_pending(struct deaths *d, uint16_t domid)
{
	struct xen_domctl_getdomaininfo info;
	char path[64], value[8];

	snprintf(path, sizeof path, "/bothy/domain/%u/name", domid);
	return job_find(d, JOB_END, domid) || job_find(d, JOB_RESTART, domid) ||
	       domctl_info(d->hypercalls, domid, &info) != -ESRCH ||
	       store_read_buf(d->store, STORE_NO_TX, path, value, sizeof value) != -ENOENT;
}
