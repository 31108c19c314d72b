/* bothy destroy: end a guest at once. Reaping is domaind's work; where none runs it is done here, by the
 * same code. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dom0/lib/domctl.h"
#include "dom0/lib/reap.h"
#include "toolstack/domain/leftovers.h"
#include "toolstack/host.h"
#include "toolstack/verb.h"
#include "toolstack/wait.h"

#define DOMAIND_SOCKET "/run/bothy/domaind.sock"
enum { DESTROY_TRIES = 100000, DOMAIND_TIMEOUT_MS = 10000 };

struct waiting {
	struct host *h;
	uint16_t domid;
};

/* Does someone accept on domaind's socket? */
static bool domaind_runs(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = DOMAIND_SOCKET};
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool runs =
		sock >= 0 && connect(sock, (const struct sockaddr *)&address, sizeof(address)) == 0;

	if (sock >= 0)
		close(sock);
	return runs;
}

static int reaped_check(void *arg)
{
	const struct waiting *w = arg;
	struct xen_domctl_getdomaininfo info;
	char path[64], ignored[8];
	int rc;

	snprintf(path, sizeof(path), "/bothy/domain/%u/name", w->domid);
	rc = store_read_buf(w->h->store, STORE_NO_TX, path, ignored, sizeof(ignored));
	if (rc != -ENOENT)
		return rc < 0 ? rc : 0;
	rc = domctl_info(&w->h->hv, w->domid, &info);
	return rc == -ESRCH ? 1 : rc;
}

static int destroy(struct host *h, uint16_t domid)
{
	struct waiting w = {.h = h, .domid = domid};
	int rc = domctl_destroy_wait(&h->hv, domid, DESTROY_TRIES);

	if (rc < 0 && rc != -ESRCH)
		return rc;
	if (domaind_runs() && wait_until(reaped_check, &w, DOMAIND_TIMEOUT_MS) == 0)
		return 0;
	return domain_reap(&h->hv, h->store, domid);
}

static enum exit_code run(struct cli *c, const char *domain)
{
	struct xen_domctl_getdomaininfo info;
	struct host h;
	enum exit_code code = host_open(c, &h, true);
	int rc;

	if (code != EXIT_DONE)
		return code;
	leftovers_clear(c, &h);
	code = host_guest_find(c, &h, domain, &info);
	if (code == EXIT_DONE) {
		rc = destroy(&h, info.domain);
		code = rc < 0 ? host_failed(c, rc, "destroy") : cli_done(c, info.domain);
	}
	host_close(&h);
	return code;
}

enum exit_code verb_destroy(struct cli *c, int argc, char **argv)
{
	bool ignored = false; /* xl's -f */
	const struct cli_option options[] = {{'f', "force", &ignored, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return cli_operands_ok(c, count, argv, 1, 1) ? run(c, argv[0]) : EXIT_USAGE;
}
