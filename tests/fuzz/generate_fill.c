/* Operands for each kind of operation, so that most succeed or fail late: a table of small
 * functions, each writing o->arg in the order of ops.def. What comes out may still be wrong in
 * every way; that is wanted.
 *
 * Neighbours: generate_pick.c finds, generate.c chooses the kind and who acts. */
#include <string.h>
#include "hv/event/table.h"
#include "protocol/hypercall.h"
#include "tests/fuzz/generate_pick.h"
#include "tests/fuzz/text.h"

#define DOMID_OF_SELF 4u		/* operand d: DOMID_SELF; 5.. reserved numbers */
#define DOMID_OF_IO 5u
#define DOMID_KINDS 9u

static bool is_control(const struct op *o) { return op_slot(o) == 0; }

static uint8_t self(struct generator *g, const struct op *o)
{
	return (uint8_t)(chance(g, 8)    ? below(g, DOMID_KINDS)
			 : chance(g, 64) ? op_slot(o)
					 : DOMID_OF_SELF);
}

/* For a control domain sometimes another one. */
static uint8_t self_or_ruled(struct generator *g, const struct op *o)
{
	return is_control(o) && chance(g, g->mood.foreign) ? (uint8_t)pick_slot(g) : self(g, o);
}

/* --- entries --- */
/* What a sensible entry of an L1 names. */
static void leaf(struct generator *g, const struct op *o, unsigned slot, uint8_t e[3])
{
	unsigned kind = below(g, 16);

	e[1] = ENTRY_PRESENT | ENTRY_WRITE;
	if (kind < 9) {
		e[0] = pick_frame(g, slot, USE_DATA);
	} else if (kind < 13) {		/* tables may be mapped read-only */
		e[0] = pick_frame(g, slot, USE_TABLE | USE(FT_SEGDESC));
		e[1] = chance(g, 16) ? ENTRY_PRESENT | ENTRY_WRITE : ENTRY_PRESENT;
	} else if (kind < 15) {
		e[0] = pick_frame(g, is_control(o) ? pick_slot(g) : slot, USE_DATA);
		e[1] = ENTRY_PRESENT;
	} else {
		e[0] = pick_special(g, slot);
		e[1] = (uint8_t)(ENTRY_PRESENT | (chance(g, 128) ? ENTRY_WRITE : 0));
	}
	e[1] |= (uint8_t)((chance(g, 128) ? ENTRY_NX : 0) | (chance(g, 64) ? ENTRY_ACCESSED : 0));
}

/* What an entry of a table in use as @use names. */
static void entry(
	struct generator *g, const struct op *o, unsigned slot, unsigned use, uint8_t e[3])
{
	static const unsigned below_of[] = { [FT_L2] = FT_L1, [FT_L3] = FT_L2, [FT_L4] = FT_L3 };

	e[2] = 0;
	if (chance(g, 40)) {				/* clear it */
		e[0] = FRAME_SPECIAL(slot, SPECIAL_INVALID);
		e[1] = 0;
		return;
	}
	leaf(g, o, slot, e);
	for (unsigned level = FT_L2; level <= FT_L4; level++)
		if (use & USE(level)) {
			e[0] = pick_frame(
				g, slot, chance(g, 160) ? USE(below_of[level]) : USE(FT_NONE));
			e[1] = ENTRY_PRESENT | ENTRY_WRITE;
		}
	if (chance(g, 12))
		e[1] ^= (uint8_t)(1u << below(g, 8));
	if (chance(g, g->mood.flip))
		e[2] = (uint8_t)(chance(g, 192) ? 1 + below(g, 64) : 65 + below(g, 64));
}

/* Bits worth flipping in a live entry: the low twelve and the high ones more often than the
 * address's. */
static uint8_t flip_bit(struct generator *g)
{
	return (uint8_t)(1 + (chance(g, 160)          ? below(g, 13)
				     : chance(g, 128) ? 12 + below(g, 9)
						      : below(g, 64)));
}

static unsigned use_of(uint8_t f)
{
	return FRAME_IS_SPECIAL(f) ? USE(FT_L4) : frame_use(f >> 4 & 3, f & 15);
}

/* A table of @slot, or a frame that may become one. */
static uint8_t some_table(struct generator *g, unsigned slot)
{
	if (chance(g, 24))
		return FRAME_SPECIAL(slot, SPECIAL_HOME);
	return pick_frame(g, slot, chance(g, 200) ? USE_TABLE : USE_DATA);
}

static void fill_update(struct generator *g, struct op *o)
{
	unsigned slot = op_slot(o);
	uint8_t *a = o->arg, n = chance(g, 32) ? UPDATE_PRESERVE : 0, d = self(g, o);

	if (is_control(o) && chance(g, g->mood.foreign)) {
		slot = pick_slot(g);
		n |= (uint8_t)((slot + 1) << 4);
		d = (uint8_t)slot;
	}
	if (chance(g, 4))
		n |= UPDATE_MISALIGN;
	a[0] = some_table(g, slot);
	bool flip = chance(g, g->mood.flip);
	a[1] = pick_entry_index(g, a[0], flip || chance(g, 64) ? ENTRY_LIVE : ENTRY_EMPTY);
	if (chance(g, 16))
		(void)pick_mapped(g, slot, a);
	entry(g, o, slot, use_of(a[0]), a + 2);
	if (flip)
		a[4] = flip_bit(g);
	if (!FRAME_IS_SPECIAL(a[2]) && (a[2] >> 4) != slot)
		d = a[2] >> 4; /* the control domain maps another one's frame */
	if (is_control(o) && FRAME_IS_SPECIAL(a[2]) && (a[2] & 15) >= SPECIAL_DEVICE &&
		chance(g, 200))
		d = DOMID_OF_IO;
	a[5] = n;
	a[6] = d;
}

static void fill_updates(struct generator *g, struct op *o)
{
	uint8_t *a = o->arg;

	a[0] = some_table(g, op_slot(o));
	a[1] = (uint8_t)below(g, chance(g, 200) ? 3 : 8);
	entry(g, o, op_slot(o), use_of(a[0]), a + 2);
	a[5] = (uint8_t)below(g, chance(g, 250) ? 5 : 8);
}

static void fill_m2p(struct generator *g, struct op *o)
{
	o->arg[0] = pick_frame(g, op_slot(o), ~USE_ABSENT);
	o->arg[1] = chance(g, 128) ? o->arg[0] & 15 : (uint8_t)below(g, 256);
}

static void fill_va_update(struct generator *g, struct op *o)
{
	uint8_t *a = o->arg;
	bool flip = chance(g, g->mood.flip);

	pick_address(g, op_slot(o), op_vcpu(o), flip || chance(g, 128), a);
	entry(g, o, op_slot(o), USE(FT_L1), a + 2);
	if (flip)
		a[4] = flip_bit(g);
	a[5] = (uint8_t)below(g, VA_FLUSH_COUNT);
	a[6] = !FRAME_IS_SPECIAL(a[2]) && (a[2] >> 4) != op_slot(o) ? a[2] >> 4 : self(g, o);
}

static void fill_pin(struct generator *g, struct op *o)
{
	unsigned i = pick_index(g, op_slot(o), chance(g, 128) ? USE(FT_NONE) : USE_TABLE);
	unsigned use = i < POOL ? frame_use(op_slot(o), i) : 0;

	o->arg[0] = FRAME_OF(op_slot(o), i < POOL ? i : below(g, POOL));
	o->arg[1] = (uint8_t)below(g, 4);
	for (unsigned level = FT_L1; level <= FT_L4; level++)
		if (use & USE(level) && chance(g, 224))
			o->arg[1] = (uint8_t)(level - FT_L1);
}

static void fill_unpin(struct generator *g, struct op *o)
{
	o->arg[0] = pick_frame(g, op_slot(o), chance(g, 232) ? USE_PINNED : USE_TABLE);
}

static void fill_base(struct generator *g, struct op *o)
{
	o->arg[0] = chance(g, 48) ? FRAME_SPECIAL(op_slot(o), SPECIAL_HOME) :
		pick_frame(g, op_slot(o), chance(g, 200) ? USE(FT_L4) : USE(FT_NONE));
	if (o->kind == OP_USER_BASE && chance(g, 48))
		o->arg[0] = FRAME_SPECIAL(op_slot(o), SPECIAL_ZERO);
}

static void fill_clear(struct generator *g, struct op *o)
{
	o->arg[0] = pick_frame(g, op_slot(o), chance(g, 224) ? USE_DATA : USE_TABLE);
	o->arg[1] = pick_frame(g, op_slot(o), ~USE_ABSENT);
}

static void fill_flush(struct generator *g, struct op *o)
{
	o->arg[0] = (uint8_t)below(g, 6);
	pick_address(g, op_slot(o), op_vcpu(o), true, o->arg + 1);
}

static void fill_set_ldt(struct generator *g, struct op *o)
{
	pick_address(g, op_slot(o), op_vcpu(o), true, o->arg);
	o->arg[2] = (uint8_t)(chance(g, 64) ? 0 : below(g, chance(g, 128) ? 16 : 256));
}

static void fill_set_gdt(struct generator *g, struct op *o)
{
	o->arg[0] = pick_frame(g, op_slot(o), USE(FT_NONE) | USE(FT_SEGDESC));
	o->arg[1] = pick_frame(g, op_slot(o), USE(FT_NONE) | USE(FT_SEGDESC));
	o->arg[2] = (uint8_t)(chance(g, 64) ? 0 : 1 + below(g, chance(g, 128) ? 16 : 32));
}

static void fill_descriptor(struct generator *g, struct op *o)
{
	o->arg[0] = pick_frame(g, op_slot(o), chance(g, 128) ? USE(FT_SEGDESC) : USE(FT_NONE));
	o->arg[1] = (uint8_t)below(g, 8);
	o->arg[2] = (uint8_t)below(g, 16);
}

static void fill_load(struct generator *g, struct op *o)
{
	pick_address(g, op_slot(o), op_vcpu(o), chance(g, 232), o->arg);
}

static void fill_store(struct generator *g, struct op *o)
{
	pick_address(g, op_slot(o), op_vcpu(o), chance(g, 240), o->arg);
	entry(g, o, op_slot(o), USE(FT_L1), o->arg + 2);
	if (chance(g, g->mood.flip))
		o->arg[4] = flip_bit(g);
	o->arg[5] = (uint8_t)below(g, STORE_COUNT);
}

/* --- memory --- */
static void fill_decrease(struct generator *g, struct op *o)
{
	uint8_t d = self_or_ruled(g, o);
	unsigned slot = d < world_config.slots ? d : op_slot(o);

	o->arg[0] = pick_frame(g, slot, chance(g, 224) ? USE_DATA : ~USE_ABSENT);
	o->arg[1] = d;
}

static void fill_populate(struct generator *g, struct op *o)
{
	o->arg[2] = self_or_ruled(g, o);
	o->arg[0] = (uint8_t)below(g, POOL);
	o->arg[1] = (uint8_t)(chance(g, 192) ? 0 : below(g, 3));
}

static void fill_exchange(struct generator *g, struct op *o)
{
	unsigned from = pick_index(g, op_slot(o), chance(g, 200) ? USE(FT_NONE) : USE_DATA),
		 to = pick_index(g, op_slot(o), USE_ABSENT);

	o->arg[0] = (uint8_t)(from < POOL ? from : below(g, POOL));
	o->arg[1] = chance(g, 64) || to == POOL ? o->arg[0] : (uint8_t)to;
}

/* --- grants --- */
static void fill_grant(struct generator *g, struct op *o)
{
	o->arg[0] = (uint8_t)below(g, REFS);
	o->arg[1] = (uint8_t)(chance(g, 240) ? pick_other(g, op_slot(o)) : below(g, DOMID_KINDS));
	o->arg[2] = chance(g, 12) ? pick_special(g, op_slot(o)) :
		pick_frame(g, op_slot(o), chance(g, 224) ? USE_DATA : USE_TABLE);
	o->arg[3] = chance(g, 48)    ? GRANT_NONE
		    : chance(g, 16)  ? GRANT_BAD
		    : chance(g, 160) ? GRANT_RW
				     : GRANT_RO;
}

static uint8_t map_flags(struct generator *g, bool writable)
{
	unsigned kind = below(g, 8);
	uint8_t n = !writable != chance(g, 24) ? MAP_READONLY : 0;
	return (uint8_t)(n | (kind < 5 ? 0 : kind < 7 ? MAP_DEVICE : MAP_DEVICE | MAP_NO_HOST));
}

static void fill_grant_map(struct generator *g, struct op *o)
{
	unsigned granter = pick_granter(g, op_slot(o));
	bool writable;

	o->arg[0] = (uint8_t)granter;
	o->arg[1] = pick_granted(g, granter, op_slot(o), &writable);
	pick_address(g, op_slot(o), op_vcpu(o), chance(g, 16), o->arg + 2);
	o->arg[4] = map_flags(g, writable);
}

static void fill_grant_map_pte(struct generator *g, struct op *o)
{
	unsigned granter = pick_granter(g, op_slot(o));
	bool writable;

	o->arg[0] = (uint8_t)granter;
	o->arg[1] = pick_granted(g, granter, op_slot(o), &writable);
	o->arg[2] = pick_frame(g, op_slot(o), chance(g, 240) ? USE(FT_L1) : ~USE_ABSENT);
	o->arg[3] = pick_entry_index(g, o->arg[2], chance(g, 16) ? ENTRY_LIVE : ENTRY_EMPTY);
	o->arg[4] = map_flags(g, writable);
}

static void fill_grant_unmap(struct generator *g, struct op *o)
{
	static const uint8_t how[] = { UNMAP_HOST, UNMAP_HOST | UNMAP_DEVICE, UNMAP_DEVICE, 0 };

	o->arg[0] = pick_handle(g, op_slot(o));
	o->arg[1] = chance(g, 16) ? UNMAP_WRONG : how[chance(g, 128) ? 0 : below(g, 4)];
	pick_address(g, op_slot(o), op_vcpu(o), true, o->arg + 2);
}

/* One end of a copy: by reference (true), or a frame of ours. */
static bool copy_end(struct generator *g, const struct op *o, uint8_t a[3], bool is_source)
{
	unsigned granter = pick_granter(g, op_slot(o));
	bool writable;

	a[1] = pick_granted(g, granter, op_slot(o), &writable);
	a[2] = pick_frame(g, op_slot(o),
		is_source        ? ~USE_ABSENT
		: chance(g, 232) ? USE_DATA
				 : USE_TABLE);
	bool by_ref = chance(g, 128);
	a[0] = by_ref ? (uint8_t)granter : self(g, o);
	return by_ref;
}

static void fill_grant_copy(struct generator *g, struct op *o)
{
	uint8_t n = (uint8_t)(below(g, 8) << 2);

	n |= copy_end(g, o, o->arg, false) ? COPY_DST_REF : 0;
	n |= copy_end(g, o, o->arg + 3, true) ? COPY_SRC_REF : 0;
	if (chance(g, 12))
		n |= COPY_FAR;
	o->arg[6] = n;
}

/* --- events --- */
#define PORTS_USED (1u << PORT_UNBOUND | 1u << PORT_INTERDOMAIN | 1u << PORT_VIRQ | 1u << PORT_IPI)

static void fill_port_unbound(struct generator *g, struct op *o)
{
	o->arg[0] = (uint8_t)(chance(g, 240) ? pick_slot(g) : below(g, DOMID_KINDS));
}

static void fill_port_bind(struct generator *g, struct op *o)
{
	if (!pick_unbound_for(g, op_slot(o), &o->arg[0], &o->arg[1]))
		o->arg[0] = (uint8_t)pick_slot(g);
}

static void fill_port(struct generator *g, struct op *o)
{
	o->arg[0] = pick_port(g, op_slot(o), PORTS_USED);
	if (o->kind == OP_PORT_VCPU)
		o->arg[1] = (uint8_t)below(g, VCPUS + chance(g, 16));
	if (o->kind == OP_PORT_SEND && chance(g, 128))
		o->arg[0] = pick_port(g, op_slot(o), 1u << PORT_INTERDOMAIN | 1u << PORT_IPI);
}

static void fill_port_virq(struct generator *g, struct op *o)
{
	static const uint8_t virq[] = { 0, 1, 2, 3, 4, 6, 7 };

	o->arg[0] = chance(g, 192) ? virq[below(g, 3)] : (uint8_t)below(g, 32);
	o->arg[1] = (uint8_t)below(g, VCPUS + chance(g, 16));
}

static void fill_port_status(struct generator *g, struct op *o)
{
	uint8_t d = self_or_ruled(g, o);

	o->arg[0] = d;
	o->arg[1] = pick_port(g, d < world_config.slots ? d : op_slot(o), PORTS_USED);
}

static void fill_self(struct generator *g, struct op *o) { o->arg[0] = self_or_ruled(g, o); }

/* --- vCPUs --- */
static void fill_vcpu(struct generator *g, struct op *o)
{
	o->arg[0] = (uint8_t)(o->kind == OP_VCPU_INFO && chance(g, 192)
				      ? op_vcpu(o)
				      : below(g, VCPUS + chance(g, 16)));
	if (o->kind == OP_VCPU_INFO) {
		o->arg[1] = pick_frame(g, op_slot(o), chance(g, 224) ? USE_DATA : ~USE_ABSENT);
		o->arg[2] = (uint8_t)below(g, chance(g, 240) ? 63 : 256);
	} else if (o->kind == OP_RUNSTATE) {
		pick_address(g, op_slot(o), op_vcpu(o), chance(g, 224), o->arg + 1);
	}
}

static void fill_number(struct generator *g, struct op *o) { o->arg[0] = (uint8_t)below(g, 256); }

static void fill_poll(struct generator *g, struct op *o)
{
	fill_port(g, o);
	o->arg[1] = (uint8_t)(below(g, 256) | (chance(g, 192) ? 1 : 0));
}

static void fill_shutdown(struct generator *g, struct op *o)
{
	o->arg[0] = (uint8_t)(chance(g, 32) && !is_control(o) ? 16 : 1 + below(g, 15));
}

/* --- control --- */
static void fill_ruled(struct generator *g, struct op *o)
{
	o->arg[0] = (uint8_t)(chance(g, 232) ? pick_other(g, op_slot(o)) : below(g, DOMID_KINDS));
	for (unsigned slot = 0; o->kind == OP_UNPAUSE && slot < world_config.slots; slot++)
		if (world_slot[slot].d && world_slot[slot].d->paused_by_control)
			o->arg[0] = (uint8_t)slot;
	if (o->kind == OP_MAX_MEM)
		o->arg[1] = (uint8_t)(chance(g, 192) ? world_config.frame_max : below(g, 24));
}

static void fill_create(struct generator *g, struct op *o)
{
	unsigned slot = pick_empty_slot(g);
	o->arg[0] = (uint8_t)(slot < SLOTS ? slot : pick_slot(g));
}

static void fill_revive(struct generator *g, struct op *o)
{
	o->arg[0] = (uint8_t)pick_slot(g);
	o->arg[1] = (uint8_t)below(g, VCPUS);
	o->arg[2] = (uint8_t)below(g, 8);	/* MIGRATE: to where */
}

/* Two in three are what a vCPU says about itself: handlers, breakpoints, bases, callbacks. */
static void fill_raw(struct generator *g, struct op *o)
{
	static const uint8_t own[] = {__HYPERVISOR_set_trap_table, __HYPERVISOR_set_debugreg,
		__HYPERVISOR_set_debugreg, __HYPERVISOR_set_segment_base, __HYPERVISOR_callback_op,
		__HYPERVISOR_callback_op};
	for (unsigned i = 0; i < OP_ARGS; i++)
		o->arg[i] = (uint8_t)(chance(g, 128) ? below(g, 8) : below(g, 256));
	o->arg[0] = (uint8_t)below(g, 64);
	if (!chance(g, 170))
		return;
	o->arg[0] = own[below(g, sizeof own)];
	bool by_argument =
		o->arg[0] == __HYPERVISOR_callback_op || o->arg[0] == __HYPERVISOR_set_trap_table;
	unsigned value = by_argument ? 8 : 2; /* an address, as run_domains.c composes it */
	o->arg[1] = (uint8_t)(o->arg[0] == __HYPERVISOR_set_trap_table ? 0 : by_argument ? 12 :
			      12 | below(g, chance(g, 192) ? 4 : 16) << 4);
	o->arg[2] = (uint8_t)(12 | below(g, 8) << 4);	/* which callback */
	o->arg[7] = (uint8_t)((o->arg[7] & 0xfe) | by_argument);
	if (chance(g, 192)) {
		o->arg[value] = (uint8_t)(8 | below(g, 4) << 4);
		o->arg[value + 1] = (uint8_t)below(g, 256);
	}
}

static void (*const fill_of[OP_COUNT])(struct generator *g, struct op *o) = {
	[OP_UPDATE] = fill_update,
	[OP_UPDATES] = fill_updates,
	[OP_M2P] = fill_m2p,
	[OP_VA_UPDATE] = fill_va_update,
	[OP_PIN] = fill_pin,
	[OP_UNPIN] = fill_unpin,
	[OP_BASE] = fill_base,
	[OP_USER_BASE] = fill_base,
	[OP_CLEAR] = fill_clear,
	[OP_COPY] = fill_clear,
	[OP_FLUSH] = fill_flush,
	[OP_SET_LDT] = fill_set_ldt,
	[OP_SET_GDT] = fill_set_gdt,
	[OP_DESCRIPTOR] = fill_descriptor,
	[OP_LOAD] = fill_load,
	[OP_STORE] = fill_store,
	[OP_DECREASE] = fill_decrease,
	[OP_POPULATE] = fill_populate,
	[OP_EXCHANGE] = fill_exchange,
	[OP_GRANT] = fill_grant,
	[OP_GRANT_SETUP] = fill_number,
	[OP_GRANT_MAP] = fill_grant_map,
	[OP_GRANT_MAP_PTE] = fill_grant_map_pte,
	[OP_GRANT_UNMAP] = fill_grant_unmap,
	[OP_GRANT_COPY] = fill_grant_copy,
	[OP_PORT_UNBOUND] = fill_port_unbound,
	[OP_PORT_BIND] = fill_port_bind,
	[OP_PORT_VIRQ] = fill_port_virq,
	[OP_PORT_IPI] = fill_vcpu,
	[OP_PORT_VCPU] = fill_port,
	[OP_PORT_CLOSE] = fill_port,
	[OP_PORT_SEND] = fill_port,
	[OP_PORT_MASK] = fill_port,
	[OP_PORT_UNMASK] = fill_port,
	[OP_PORT_STATUS] = fill_port_status,
	[OP_PORT_RESET] = fill_self,
	[OP_VCPU_INFO] = fill_vcpu,
	[OP_RUNSTATE] = fill_vcpu,
	[OP_VCPU_DOWN] = fill_vcpu,
	[OP_VCPU_UP] = fill_vcpu,
	[OP_BLOCK] = fill_number,
	[OP_POLL] = fill_poll,
	[OP_TIMER] = fill_number,
	[OP_SHUTDOWN] = fill_shutdown,
	[OP_PAUSE] = fill_ruled,
	[OP_UNPAUSE] = fill_ruled,
	[OP_MAX_MEM] = fill_ruled,
	[OP_INFO] = fill_ruled,
	[OP_DESTROY] = fill_ruled,
	[OP_CREATE] = fill_create,
	[OP_REVIVE] = fill_revive,
	[OP_MIGRATE] = fill_revive,
	[OP_ADVANCE] = fill_number,
	[OP_RAW] = fill_raw,
};

void fill_operands(struct generator *g, struct op *o)
{
	memset(o->arg, 0, sizeof o->arg);
	if (chance(g, g->mood.wild))
		for (unsigned i = 0; i < OP_ARGS; i++)
			o->arg[i] = (uint8_t)rnd(g);
	else
		fill_of[o->kind](g, o);
	op_canonical(o);
}
