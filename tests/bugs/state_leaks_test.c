/* What the one before left behind: XSA-52, XSA-122, XSA-132, XSA-165, XSA-220, XSA-267, XSA-433.
 *
 * A CPU's registers are used by one guest after the other, and so are the hypervisor's stack and
 * heap. XSA-165 gave a new vCPU a floating-point unit as it was found, with the last user's numbers
 * in it; XSA-52 restored all but the registers that one kind of processor leaves alone; XSA-220
 * forgot the registers of extensions younger than the code; XSA-267 left them there on purpose, to
 * be exchanged when they were first used, and a processor looked at them before. (In XSA-433 it was
 * the processor alone.) With replies it is the structure on the stack: a field nobody fills, the
 * padding behind a short one, the longer arm of a union. XSA-122 and XSA-132 returned that to
 * whoever asked for a version or a clock, and it held addresses and other guests' data.
 *
 * Here the FPU is exchanged at every switch, eagerly, from an image that begins as the processor's
 * own initial one (cpu_context_init()); what a guest hands in as an image is masked first, since
 * restoring reserved bits faults (fpu_load() in hv/pv/vcpu_state.c). Replies are built in
 * structures of a fixed size that begin as zero, objects of the heap are cleared when they are
 * given out (hv/mem/heap.c), frames before they change hands (dirty_memory_test.c).
 *
 * The tests put a secret where the bug would fetch it: into a dying guest's registers, onto the
 * stack below a hypercall; then they search what another guest gets. What a processor holds at
 * entry: tests/guest/fpu, trap.
 * Catches: leak-event-status, leak-heap, blind/28-leak-fpu-image-not-masked. */
#include "hv/pv/state.h"
#include "protocol/callback.h"
#include "protocol/domctl.h"
#include "protocol/event_channel.h"
#include "protocol/vcpu.h"
#include "protocol/version.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

#define SECRET 0x5ec7e75ec7e75ec7ull
#define SECRET_BYTE 0xa5

/* How often the pattern stands in pages [@from, @to] of @g. */
static unsigned secrets_in(struct guest *g, unsigned from, unsigned to)
{
	unsigned found = 0;
	for (unsigned n = from; n <= to; n++)
		for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
			found += *(uint64_t *)at(g, n, 8 * i) == SECRET;
	return found;
}

static void registers_fill(struct vcpu *v)
{
	uint64_t *fpu = v->ctx.fpu;
	for (unsigned i = 0; i < cpu_features.fpu_size / 8; i++)
		if (i != 3)		/* MXCSR, which a processor would not take */
			fpu[i] = SECRET;
	v->ctx.regs.rbx = v->ctx.regs.r15 = SECRET;
}

/* XSA-165, XSA-220: vCPUs die with a secret in every register, others are made in their place, of which
 * one has a context and one has not. dom0 looks into them, which is more than their guest can do. */
START_TEST(registers_of_a_new_vcpu)
{
	struct callback_register *c = at(&victim, ARGS, 0);
	struct guest heir;
	registers_fill(victim.v);
	registers_fill(mallory.d->vcpu[1]);
	world_run(&victim);
	*c = (struct callback_register){ .type = CALLBACKTYPE_syscall32, .address = SECRET >> 20 };
	WORKS(call(victim.v, __HYPERVISOR_callback_op, CALLBACKOP_register, va(ARGS, 0)));
	destroy(&victim);
	destroy(&mallory);
	world_guest(&heir, 3, false, 2);
	world_run(&dom0_guest);
	for (unsigned vcpu = 0; vcpu < 2; vcpu++) {
		struct xen_domctl op = { .cmd = XEN_DOMCTL_getvcpucontext,
			.interface_version = XEN_DOMCTL_INTERFACE_VERSION, .domain = 3 };
		op.u.vcpucontext.vcpu = vcpu;
		op.u.vcpucontext.ctxt = va(1, 0);
		memcpy(at(&dom0_guest, ARGS, 0), &op, sizeof op);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_domctl, va(ARGS, 0)), vcpu ? -EINVAL : 0);
		ck_assert_uint_eq(secrets_in(&dom0_guest, 1, 2), 0);
		const uint64_t *fpu = heir.d->vcpu[vcpu]->ctx.fpu;
		for (unsigned i = 0; i < cpu_features.fpu_size / 8; i++)
			ck_assert_uint_ne(fpu[i], SECRET);
		ck_assert_uint_eq(heir.d->vcpu[vcpu]->pv->syscall32.address, 0);
	}
}
END_TEST

/* An image that does not load would fault at the next switch, in the hypervisor. (Statement I17 looks at MXCSR.) */
START_TEST(image_that_does_not_load)
{
	ck_assert_uint_eq(mallory.page[1].n + 1, mallory.page[2].n);
	struct vcpu_guest_context *c = at(&mallory, 1, 0);
	memset(c, 0, sizeof *c);
	c->flags = VGCF_in_kernel | VGCF_i387_valid;
	c->ctrlreg[3] = mfn_to_maddr(mallory.l4).a;
	memset(&c->fpu_ctxt, 0xff, sizeof c->fpu_ctxt);
	WORKS(call(mallory.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)));
	uint32_t mxcsr;
	memcpy(&mxcsr, (char *)mallory.d->vcpu[1]->ctx.fpu + 24, sizeof mxcsr);
	ck_assert_uint_eq(mxcsr >> 16, 0);
}
END_TEST

/* --- replies --- */

static __attribute__((noinline)) void stack_fill(void)
{
	volatile uint8_t area[48 * 1024];
	for (unsigned i = 0; i < sizeof area; i++)
		area[i] = SECRET_BYTE;
}

/* A hypercall whose argument @arg of @n bytes lies in page 3 and is written over by the reply; nothing of the stack may
 * be in it, two bytes in a row that is, and nothing may be behind it. */
static void asks(uint64_t nr, uint64_t cmd, uint64_t second, const void *arg, size_t n, size_t reply)
{
	uint8_t *page = at(&mallory, 3, 0);
	memset(page, 0, PAGE_SIZE);
	memcpy(page, arg, n);
	stack_fill();
	(void)call(mallory.v, nr, cmd, second, va(3, 0));
	for (unsigned i = 0; i + 1 < PAGE_SIZE; i++)
		ck_assert(page[i] != SECRET_BYTE || page[i + 1] != SECRET_BYTE);
	for (size_t i = reply; i < PAGE_SIZE; i++)
		ck_assert_uint_eq(page[i], 0);
}

/* XSA-122: strings of different lengths in arrays of one. */
START_TEST(replies_about_versions)
{
	for (unsigned cmd = 0; cmd < 16; cmd++)
		asks(__HYPERVISOR_xen_version, cmd, va(3, 0), "", 0, 2048);
}
END_TEST

/* The union of what a port may be: most states fill less of it than there is. */
START_TEST(replies_about_ports)
{
	uint32_t ipi, offer, timer;
	WORKS(evtchn_bind_ipi(mallory.d, 0, &ipi));
	WORKS(evtchn_alloc_unbound(mallory.d, victim.d->id, &offer));
	WORKS(evtchn_bind_virq(mallory.d, VIRQ_TIMER, 0, &timer));
	for (uint32_t port = 0; port < timer + 2; port++) {
		struct evtchn_status s = { .dom = DOMID_SELF, .port = port };
		asks(__HYPERVISOR_event_channel_op, EVTCHNOP_status, va(3, 0), &s, sizeof s, sizeof s);
		const struct evtchn_status *got = at(&mallory, 3, 0);
		if (port == ipi || port > timer)
			ck_assert_uint_eq(got->u.interdomain.port | got->u.interdomain.dom, 0);
	}
}
END_TEST

START_TEST(replies_about_time)
{
	asks(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, "", 0, sizeof(struct vcpu_runstate_info));
	const uint8_t *page = at(&mallory, 3, 0);
	for (unsigned i = sizeof(int32_t); i < offsetof(struct vcpu_runstate_info, state_entry_time); i++)
		ck_assert_uint_eq(page[i], 0);		/* padding */
}
END_TEST

CHECK_MAIN("state_leaks", scene_set, NULL, registers_of_a_new_vcpu, image_that_does_not_load,
	   replies_about_versions, replies_about_ports, replies_about_time)
