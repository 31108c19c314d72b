/* Boot modules as unprivileged domains: small kernels that run beside or without dom0.
 *
 * All are created first, so that they know each other's numbers, then wired, then built: a
 * connection is an interdomain event channel, and its ends are told on both command lines:
 * peer=DOMID port=PORT. Grants they make themselves: the first pages each grants its peer are a
 * matter between the two. They may write to the console (domain->may_print). Neighbours:
 * module_spec.c, domain_build.c. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/boot/dom0.h"
#include "hv/boot/module_spec.h"
#include "hv/event/evtchn.h"

struct module_domain {
	struct module_spec spec;
	struct domain *domain;		/* NULL: failed */
	const struct boot_kernel *kernel;
	char line[BOOT_STRING_SIZE];
};
static struct module_domain modules[BOOT_MODULES];
static unsigned module_count;

static void module_create(
	struct module_domain *m, const struct boot_module *from, const struct boot_kernel *kernel)
{
	const char *why = module_spec_parse(from->text, &m->spec);

	m->domain = NULL;
	m->kernel = kernel;
	if (why) {
		log_err("boot module \"%.60s\": %s", from->text, why);
		return;
	}
	string_copy(m->line, m->spec.guest_line, sizeof m->line);
	struct domain_config config = { .max_vcpus = m->spec.vcpus };
	int rc = domain_create(DOMID_CHOOSE, &config, &m->domain);
	if (rc < 0) {
		log_err("%s: cannot create a domain (%d)", m->spec.name, rc);
		m->domain = NULL;
		return;
	}
	m->domain->may_print = true;
	rc = boot_domain_add_vcpus(m->domain);
	if (rc < 0) {
		log_err("%s: cannot have its vCPUs (%d)", m->spec.name, rc);
		boot_domain_discard(m->domain);
		m->domain = NULL;
	}
}

static struct module_domain *module_find(const char *name)
{
	for (unsigned i = 0; i < module_count; i++)
		if (modules[i].domain && strcmp(modules[i].spec.name, name) == 0)
			return &modules[i];
	return NULL;
}

static void peer_note(struct module_domain *m, const struct module_domain *peer, uint32_t port)
{
	size_t n = strlen(m->line);
	format_string(m->line + n, sizeof m->line - n, "%speer=%u port=%u", n ? " " : "",
		peer->domain->id, port);
}

static void module_connect(struct module_domain *m)
{
	struct module_domain *peer = module_find(m->spec.connect);
	uint32_t port, peer_port;

	if (!peer || peer == m) {
		log_err("%s: connect=%s: no such boot module", m->spec.name, m->spec.connect);
		return;
	}
	int rc = evtchn_alloc_unbound(peer->domain, m->domain->id, &peer_port);
	if (rc == 0)
		rc = evtchn_bind_interdomain(m->domain, peer->domain->id, peer_port, &port);
	if (rc < 0) {
		log_err("%s: cannot be connected to %s (%d)", m->spec.name, peer->spec.name, rc);
		return;
	}
	peer_note(m, peer, port);
	peer_note(peer, m, peer_port);
}

static bool module_build(struct module_domain *m)
{
	struct boot_domain b = {.kernel = m->kernel,
		.pages = m->spec.memory_mib << 8,
		.command_line = m->line};

	const char *why = boot_domain_build(m->domain, &b);

	if (why) {
		log_err("%s: %s", m->spec.name, why);
		boot_domain_discard(m->domain);
		m->domain = NULL;
		return false;
	}
	log_info("domain %u: %s, %u vCPUs, %lu MiB, command line \"%s\"", m->domain->id,
		m->spec.name, m->spec.vcpus, m->spec.memory_mib, m->line);
	return true;
}

unsigned module_domains_create(const struct boot_plan *p)
{
	unsigned built = 0;

	for (unsigned i = 0; i < p->domain_count; i++)
		if (p->domain_kernel[i].elf)
			module_create(&modules[module_count++], p->domain[i], &p->domain_kernel[i]);
	for (unsigned i = 0; i < module_count; i++)
		if (modules[i].domain && modules[i].spec.connect[0])
			module_connect(&modules[i]);
	for (unsigned i = 0; i < module_count; i++)
		built += modules[i].domain && module_build(&modules[i]);
	return built;
}

void boot_domains_start(void)
{
	if (dom0 && domain_control_unpause(dom0) < 0)
		log_err("dom0 cannot be unpaused");
	for (unsigned i = 0; i < module_count; i++)
		if (modules[i].domain && domain_control_unpause(modules[i].domain) < 0)
			log_err("%s cannot be unpaused", modules[i].spec.name);
}
