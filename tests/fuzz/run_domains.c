/* Operations on events, vCPUs and domains as hypercalls, and RAW ones made of any bytes.
 * Neighbour: run_memory.c, which tells how arguments are laid out. */
#include "hv/base/string.h"
#include "hv/cpu/cpu.h"
#include "tests/fuzz/fuzz_world.h"
#include "protocol/domctl.h"
#include "protocol/event_channel.h"
#include "protocol/hypercall.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"

#define ARGUMENT WINDOW_VA
#define LISTS (WINDOW_VA + WINDOW_LISTS)

static bool request_arg(struct request *r, uint64_t nr, uint64_t cmd, const void *arg, size_t n)
{
	memcpy(r->window, arg, n);
	r->nr = nr;
	r->arg[0] = cmd;
	r->arg[1] = ARGUMENT;
	r->arg[2] = r->arg[3] = r->arg[4] = r->arg[5] = 0;
	return true;
}

#define EVENT(cmd, type, ...) \
	request_arg(r, __HYPERVISOR_event_channel_op, (cmd), &(struct type){ __VA_ARGS__ }, sizeof(struct type))

static bool events_request(const struct act *a, struct request *r)
{
	switch (a->kind) {
	case OP_PORT_UNBOUND:
		return EVENT(EVTCHNOP_alloc_unbound, evtchn_alloc_unbound, DOMID_SELF, a->domid, 0);
	case OP_PORT_BIND:
		return EVENT(EVTCHNOP_bind_interdomain, evtchn_bind_interdomain, a->domid, a->port, 0);
	case OP_PORT_VIRQ:
		return EVENT(EVTCHNOP_bind_virq, evtchn_bind_virq, a->n % 26u, a->vcpu_id, 0);
	case OP_PORT_IPI:
		return EVENT(EVTCHNOP_bind_ipi, evtchn_bind_ipi, a->vcpu_id, 0);
	case OP_PORT_VCPU:
		return EVENT(EVTCHNOP_bind_vcpu, evtchn_bind_vcpu, a->port, a->vcpu_id);
	case OP_PORT_CLOSE:
		return EVENT(EVTCHNOP_close, evtchn_close, a->port);
	case OP_PORT_SEND:
		return EVENT(EVTCHNOP_send, evtchn_send, a->port);
	case OP_PORT_UNMASK:
		return EVENT(EVTCHNOP_unmask, evtchn_unmask, a->port);
	case OP_PORT_STATUS:
		return EVENT(EVTCHNOP_status, evtchn_status, .dom = a->domid, .port = a->port);
	default:
		return EVENT(EVTCHNOP_reset, evtchn_reset, a->domid);
	}
}

/* --- vCPUs --- */

static bool vcpu_request(const struct act *a, struct request *r)
{
	struct vcpu_register_vcpu_info info = { .mfn = a->m, .offset = a->n * 64u };
	/* Hypervisor's range and addresses that are not canonical as they are; all else in the window. */
	bool odd = a->va >> 47;
	struct vcpu_register_runstate_memory_area area = { .addr.h = odd ? a->va : WINDOW_AREA + a->vcpu_id * 64u };
	static const uint8_t cmds[] = { [OP_VCPU_INFO] = VCPUOP_register_vcpu_info,
					[OP_RUNSTATE] = VCPUOP_register_runstate_memory_area,
					[OP_VCPU_DOWN] = VCPUOP_down, [OP_VCPU_UP] = VCPUOP_up };
	if (a->kind == OP_VCPU_INFO)
		memcpy(r->window, &info, sizeof info);
	else
		memcpy(r->window, &area, sizeof area);
	r->nr = __HYPERVISOR_vcpu_op;
	r->arg[0] = cmds[a->kind];
	r->arg[1] = a->vcpu_id;
	r->arg[2] = ARGUMENT;
	return true;
}

static bool sched_request(const struct act *a, struct request *r)
{
	struct sched_poll poll = { .ports = LISTS, .nr_ports = 1,
				   .timeout = a->n & 1 ? cpu_time_ns() + a->n * 1000ull : 0 };
	struct sched_shutdown shutdown = { .reason = a->n / 16u % 5 };
	switch (a->kind) {
	case OP_BLOCK:
		return request_arg(r, __HYPERVISOR_sched_op, a->n & 1 ? SCHEDOP_yield : SCHEDOP_block, &poll, 0);
	case OP_POLL:
		memcpy(r->window + WINDOW_LISTS, &a->port, sizeof a->port);
		return request_arg(r, __HYPERVISOR_sched_op, SCHEDOP_poll, &poll, sizeof poll);
	case OP_SHUTDOWN:
		(void)request_arg(r, __HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown, sizeof shutdown);
		if (a->n % 16)
			r->arg[1] = 1ull << 47;
		return a->slot != 0 || a->n % 16;
	default:
		r->nr = __HYPERVISOR_set_timer_op;
		r->arg[0] = a->n ? cpu_time_ns() + a->n * 1000ull : 0;
		return true;
	}
}

/* --- control --- */

static bool control_request(const struct act *a, struct request *r)
{
	struct xen_domctl op = { .interface_version = XEN_DOMCTL_INTERFACE_VERSION, .domain = a->domid };
	switch (a->kind) {
	case OP_PAUSE: op.cmd = XEN_DOMCTL_pausedomain; break;
	case OP_UNPAUSE: op.cmd = XEN_DOMCTL_unpausedomain; break;
	case OP_INFO: op.cmd = XEN_DOMCTL_getdomaininfo; break;
	case OP_DESTROY: op.cmd = XEN_DOMCTL_destroydomain; break;
	default:
		op.cmd = XEN_DOMCTL_max_mem;
		op.u.max_mem.max_memkb = a->n * 4u;
	}
	memcpy(r->window, &op, sizeof op);
	r->nr = __HYPERVISOR_domctl;
	r->arg[0] = ARGUMENT;
	return true;
}

/* A destroyed domain leaves its slot, also while others still hold on to its frames. */
static void destroy_answer(const struct act *a)
{
	struct slot *s = world_slot_of(a->domid, a->slot);
	if (s && s != &world_slot[a->slot])
		world_death((unsigned)(s - world_slot));
}

/* --- anything --- */

static uint64_t word_of(const struct act *a, unsigned i)
{
	uint8_t b = a->raw[i % OP_ARGS], next = a->raw[(i + 1) % OP_ARGS];
	uint64_t m = world_resolve_frame(next);
	switch (b & 15) {
	case 0: return ARGUMENT + (next & 0x78);
	case 1: return LISTS;
	case 2: case 3: return m;
	case 4: return m << PAGE_SHIFT | (next & 7u) * 8;
	case 5: return m << PAGE_SHIFT | 7;
	case 6: return DOMID_SELF;
	case 7: return world_slot[next % SLOTS].id;
	case 8: return world_address(b, next);
	case 9: return ~0ull - next;
	case 10: return (uint64_t)next << 32 | b >> 4;
	case 11: return 1ull << (next & 63);
	default: return b >> 4;
	}
}

/* No iret (it ends the guest's own code) and nothing that a control domain may do to the machine. */
static bool raw_request(const struct act *a, struct request *r)
{
	r->nr = a->raw[0] % 42u;
	if (a->slot == 0 || r->nr == __HYPERVISOR_iret)
		return false;
	for (unsigned i = 0; i < 6; i++)
		r->arg[i] = i == 1 && (a->raw[7] & 1) ? ARGUMENT : word_of(a, i + 1);
	for (unsigned i = 0; i < 64; i++) {
		uint64_t w = i % 2 ? word_of(a, i * 5 + 3) : (word_of(a, i + 2) & 0xffff) | word_of(a, i + 4) << 16;
		memcpy(r->window + i * sizeof w, &w, sizeof w);
		memcpy(r->window + WINDOW_LISTS + i * sizeof w, &w, sizeof w);
	}
	return true;
}

/* --- all --- */

bool request_domains(const struct act *a, struct request *r)
{
	switch (a->kind) {
	case OP_VCPU_INFO:
	case OP_RUNSTATE:
	case OP_VCPU_DOWN:
	case OP_VCPU_UP:
		return vcpu_request(a, r);
	case OP_BLOCK:
	case OP_POLL:
	case OP_TIMER:
	case OP_SHUTDOWN:
		return sched_request(a, r);
	case OP_PAUSE:
	case OP_UNPAUSE:
	case OP_MAX_MEM:
	case OP_INFO:
	case OP_DESTROY:
		return control_request(a, r);
	case OP_RAW:
		return raw_request(a, r);
	default:
		return events_request(a, r);
	}
}

void answer_domains(const struct act *a, const struct request *r, struct outcome *o)
{
	static const uint8_t port_at[OP_COUNT] = {
		[OP_PORT_UNBOUND] = offsetof(struct evtchn_alloc_unbound, port),
		[OP_PORT_BIND] = offsetof(struct evtchn_bind_interdomain, local_port),
		[OP_PORT_VIRQ] = offsetof(struct evtchn_bind_virq, port),
		[OP_PORT_IPI] = offsetof(struct evtchn_bind_ipi, port),
		[OP_PORT_STATUS] = offsetof(struct evtchn_status, status),
	};
	uint32_t value;
	if (port_at[a->kind] && o->rc == 0) {
		memcpy(&value, r->window + port_at[a->kind], sizeof value);
		o->value = value;
	}
	if (a->kind == OP_DESTROY && o->rc == 0)
		destroy_answer(a);
}
