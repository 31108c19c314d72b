/* Events of a small PV kernel. The upcall follows the public protocol: clear the pending byte, take the
 * selector word, take pending ports that are unmasked and of this vCPU, until nothing is left.
 * Neighbours: a kernel's trap_dispatch() calls event_upcall(). */
#include "examples/pv/event.h"

#include "examples/pv/hypercall.h"
#include "examples/pv/kernel.h"
#include "examples/pv/mem.h"

volatile struct shared_info *shared_info;

static uint8_t shared_page[4096] __attribute__((aligned(4096)));
static uint64_t bound[EVENT_VCPUS][64];
static void (*handlers[EVTCHN_2L_NR_CHANNELS])(evtchn_port_t port);
static unsigned counts[EVTCHN_2L_NR_CHANNELS];

void event_open(void)
{
	long rc = update_va_mapping(shared_page, start_info->shared_info | PTE_KERNEL,
				    UVMF_INVLPG | UVMF_LOCAL);

	if (rc)
		kernel_fatal("cannot map shared_info: %ld", rc);
	shared_info = (volatile struct shared_info *)shared_page;
	for (unsigned i = 0; i < 64; i++)
		shared_info->evtchn_mask[i] = ~0ul;
}

volatile struct vcpu_info *vcpu_info_of(unsigned vcpu)
{
	return &shared_info->vcpu_info[vcpu];
}

static void port_deliver(evtchn_port_t port)
{
	event_clear(port);
	counts[port]++;
	if (handlers[port])
		handlers[port](port);
}

void event_upcall(void)
{
	unsigned self = vcpu_self();
	volatile struct vcpu_info *v = vcpu_info_of(self);

	while (__atomic_exchange_n(&v->evtchn_upcall_pending, 0, __ATOMIC_ACQ_REL)) {
		uint64_t words = __atomic_exchange_n(&v->evtchn_pending_sel, 0, __ATOMIC_ACQ_REL);

		for (; words; words &= words - 1) {
			unsigned w = (unsigned)__builtin_ctzl(words);
			uint64_t ready;

			while ((ready = shared_info->evtchn_pending[w] &
					~shared_info->evtchn_mask[w] & bound[self][w]))
				port_deliver(w * 64 + (unsigned)__builtin_ctzl(ready));
		}
	}
}

void event_handle(evtchn_port_t port, unsigned vcpu, void (*handler)(evtchn_port_t port))
{
	handlers[port] = handler;
	counts[port] = 0;
	for (unsigned v = 0; v < EVENT_VCPUS; v++)
		__atomic_fetch_and(&bound[v][port / 64], ~(1ul << port % 64), __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&bound[vcpu][port / 64], 1ul << port % 64, __ATOMIC_SEQ_CST);
	event_unmask(port);
}

unsigned event_count(evtchn_port_t port)
{
	return __atomic_load_n(&counts[port], __ATOMIC_ACQUIRE);
}

void event_mask(evtchn_port_t port)
{
	__atomic_fetch_or(&shared_info->evtchn_mask[port / 64], 1ul << port % 64, __ATOMIC_SEQ_CST);
}

void event_unmask(evtchn_port_t port)
{
	struct evtchn_unmask u = { .port = port };

	event_channel_op(EVTCHNOP_unmask, &u);
}

int event_is_pending(evtchn_port_t port)
{
	return (int)(shared_info->evtchn_pending[port / 64] >> port % 64 & 1);
}

void event_clear(evtchn_port_t port)
{
	__atomic_fetch_and(&shared_info->evtchn_pending[port / 64], ~(1ul << port % 64),
			   __ATOMIC_SEQ_CST);
}

void events_enable(void)
{
	volatile struct vcpu_info *v = vcpu_info_of(vcpu_self());

	__atomic_store_n(&v->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
	/* Any hypercall makes the hypervisor look for events on its way out. */
	if (v->evtchn_upcall_pending)
		xen_version(0, 0);
}

void events_disable(void)
{
	__atomic_store_n(&vcpu_info_of(vcpu_self())->evtchn_upcall_mask, 1, __ATOMIC_SEQ_CST);
}

long event_bind_virq(unsigned virq, unsigned vcpu)
{
	struct evtchn_bind_virq b = { .virq = virq, .vcpu = vcpu };
	long rc = event_channel_op(EVTCHNOP_bind_virq, &b);

	return rc ? rc : b.port;
}

long event_bind_ipi(unsigned vcpu)
{
	struct evtchn_bind_ipi b = { .vcpu = vcpu };
	long rc = event_channel_op(EVTCHNOP_bind_ipi, &b);

	return rc ? rc : b.port;
}

long event_alloc_unbound(domid_t remote)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = remote };
	long rc = event_channel_op(EVTCHNOP_alloc_unbound, &a);

	return rc ? rc : a.port;
}

long event_bind_interdomain(domid_t remote, evtchn_port_t remote_port)
{
	struct evtchn_bind_interdomain b = { .remote_dom = remote, .remote_port = remote_port };
	long rc = event_channel_op(EVTCHNOP_bind_interdomain, &b);

	return rc ? rc : b.local_port;
}

long event_close(evtchn_port_t port)
{
	struct evtchn_close c = { .port = port };

	return event_channel_op(EVTCHNOP_close, &c);
}

long event_send(evtchn_port_t port)
{
	struct evtchn_send s = { .port = port };

	return event_channel_op(EVTCHNOP_send, &s);
}
