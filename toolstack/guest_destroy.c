/* The end of a guest by force. Reaping is domaind's work; where none runs it is done here, by the same code. */
#include "toolstack/guest_destroy.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dom0/lib/domctl.h"
#include "dom0/lib/reap.h"
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

int guest_destroy(struct host *h, uint16_t domid)
{
	struct waiting w = {.h = h, .domid = domid};
	int rc = domctl_destroy_wait(&h->hv, domid, DESTROY_TRIES);

	if (rc < 0 && rc != -ESRCH)
		return rc;
	if (domaind_runs() && wait_until(reaped_check, &w, DOMAIND_TIMEOUT_MS) == 0)
		return 0;
	return domain_reap(&h->hv, h->store, domid);
}
