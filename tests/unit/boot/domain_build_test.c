/* dom0 and boot modules built on the modelled machine from a small ELF: the audit judges, and
 * the vCPU sees its kernel through the tables it was given. */
#include <stdlib.h>
#include <zlib.h>
#include "hv/boot/dom0.h"
#include "hv/boot/pfn_map.h"
#include "tests/unit/guest_world.h"
#include "tests/unit/lib/elf_make.h"

#define FRAMES 16384u	/* 64 MiB */
static struct elf_make elf;
static struct boot_kernel kernel;
static struct boot_plan plan;
static struct boot_info info;
static struct boot_module module[3];
static uint64_t slots[HV_L4_COUNT] = { [0] = 0x12345027 };

static void kernel_make(int with_p2m)
{
	elf_make(&elf, with_p2m, 1);
	ck_assert_ptr_null(pv_image_parse(elf.b, elf.size, &kernel.image));
	kernel.elf = elf.b;
}

static void start(void)
{
	host_machine_start(2, FRAMES);
	table_hv_slots = slots;
	timers_init();
	sched_init();
	evtchn_init();
	grant_init();
	pv_init();
	memset(&plan, 0, sizeof plan);
	memset(&info, 0, sizeof info);
	memset(module, 0, sizeof module);
}

static uint64_t guest_word(uint64_t va)
{
	uint64_t v = 0;
	ck_assert_uint_eq(host_guest_load(0, va, &v), 0);
	return v;
}

START_TEST(dom0_is_built)
{
	static const char initrd[5000] = "initrd";
	struct boot_options o;

	start();
	kernel_make(_i);
	plan.dom0 = &module[0];
	plan.initrd = &module[1];
	plan.dom0_kernel = kernel;
	module[1].size = sizeof initrd;
	strcpy(module[0].text, "vmlinuz console=hvc0 quiet");
	boot_options_default(&o);
	o.dom0_size = (struct memory_size){ .is_set = true, .bytes = 20 << 20 };
	o.dom0_max_vcpus = 2;
	struct domain *d = dom0_create(&plan, &info, &o, initrd, FRAMES * 4096ull);
	world_check();
	ck_assert_ptr_eq(d, dom0);
	ck_assert_uint_eq(d->mem.frame_count, 5120);
	ck_assert(d->is_control && d->vcpu[0]->is_initialised && !d->vcpu[1]->is_initialised);
	ck_assert(vcpu_is_up(d->vcpu[0]) && !vcpu_is_up(d->vcpu[1]));
	ck_assert(!vcpu_is_runnable(d->vcpu[0]));	/* paused until boot_domains_start() */

	struct cpu_context *c = &d->vcpu[0]->ctx;
	ck_assert_uint_eq(c->regs.rip, MAKE_ENTRY);
	ck_assert_uint_eq(d->vcpu[0]->info->evtchn_upcall_mask, 1);
	ck_assert_uint_eq(frame_type_now(frame_of(c->kernel_l4)), FT_L4);
	ck_assert(frame_is_pinned(frame_of(c->kernel_l4)));
	const uint64_t *l4 = host_frame(c->kernel_l4);
	ck_assert_uint_eq(l4[256], slots[0]);	/* also when the last entry is a table's */

	cpu_context_switch(c);
	ck_assert_uint_eq(guest_word(MAKE_VIRT_BASE + MAKE_TEXT + 0x20), 0xa5a5a5a5a5a5a5a5);
	uint64_t si = c->regs.rsi;
	ck_assert_uint_eq(guest_word(si + offsetof(struct start_info, nr_pages)), 5120);
	ck_assert_uint_eq(guest_word(si + offsetof(struct start_info, mod_len)), 5000);
	ck_assert_uint_eq(guest_word(si + offsetof(struct start_info, cmd_line)),
		0x3d656c6f736e6f63); /* console= */
	uint64_t list = guest_word(si + offsetof(struct start_info, mfn_list));
	for (uint64_t pfn = 0; pfn < 5120; pfn += 37) {
		uint64_t m = guest_word(list + pfn * 8);
		ck_assert_uint_eq(m2p_get(mfn(m)).n, pfn);
		ck_assert_uint_eq(frame_owner(frame_of(mfn(m))), 0);
	}
	uint64_t pt_base = guest_word(si + offsetof(struct start_info, pt_base));
	ck_assert_uint_ne(host_guest_store(0, pt_base, 0), 0);	/* tables are read-only */
	world_check();
}
END_TEST

START_TEST(modules_are_wired)
{
	uint32_t other;

	start();
	kernel_make(0);
	for (unsigned i = 0; i < 3; i++) {
		plan.domain[i] = &module[i];
		plan.domain_kernel[i] = kernel;
	}
	plan.domain_count = 3;
	strcpy(module[0].text, "a.elf domain name=a connect=b -- x");
	strcpy(module[1].text, "b.elf domain name=b vcpus=2");
	strcpy(module[2].text, "c.elf domain name=c memory=1");	/* too small: dropped */
	ck_assert_uint_eq(module_domains_create(&plan), 2);
	world_check();
	struct domain *a = domain_find(1), *b = domain_find(2);
	ck_assert(a && b && a->may_print && !a->is_control);
	ck_assert_uint_eq(b->max_vcpus, 2);
	ck_assert_uint_eq(a->mem.frame_count, 4096);

	cpu_context_switch(&a->vcpu[0]->ctx);
	char line[32];
	for (unsigned i = 0; i < 4; i++) {
		uint64_t v = guest_word(
			a->vcpu[0]->ctx.regs.rsi + offsetof(struct start_info, cmd_line) + i * 8);
		memcpy(line + i * 8, &v, 8);
	}
	ck_assert_str_eq(line, "x peer=2 port=1");
	ck_assert_int_eq(evtchn_send(a, 1), 0);
	for (other = 1; other < 4 && !evtchn_port_is_pending(b, other); other++)
		;
	ck_assert_uint_eq(other, 1);
	boot_domains_start();
	ck_assert(vcpu_is_runnable(a->vcpu[0]));
	domain_put(a);
	domain_put(b);
}
END_TEST

/* ---- what cannot be built: one line says what and why, and nothing is left ---- */

static char said[2048];
static const char *reason;

static void listen(const char *text, size_t n)
{
	size_t had = strlen(said);

	ck_assert_uint_lt(had + n, sizeof said);
	memcpy(said + had, text, n);
}

static void stopped(bool reboot)
{
	(void)reboot;
	ck_assert_msg(strstr(said, reason), "%s", said);
	ck_assert_ptr_null(strstr(said, "rip"));	/* it is no bug of ours */
	exit(70);
}

static void dom0_start(uint64_t kib, uint64_t initrd_kib)
{
	struct boot_options o;

	start();
	kernel_make(1);
	plan = (struct boot_plan){ .dom0 = &module[0], .initrd = &module[1], .dom0_kernel = kernel };
	module[1].size = initrd_kib << 10;
	boot_options_default(&o);
	o.dom0_size = (struct memory_size){ .is_set = true, .bytes = kib << 10 };
	host_hook_stop = stopped;
	panic_init(listen, false);
	log_set_console(listen);
	dom0_create(&plan, &info, &o, host_frame(mfn(0)), FRAMES * 4096ull);
}

/* The small kernel and its padding need 5 MiB, tables and list included. */
START_TEST(dom0_too_small)
{
	reason = "PANIC on CPU 0: dom0: kernel does not fit into the domain's memory: it has 1 MiB, "
		 "and needs 5\n(hv) halted";
	dom0_start(1 << 10, 0);
}
END_TEST

START_TEST(initrd_too_large)
{
	reason = "dom0: initrd does not fit into the domain's memory: it has 20 MiB, and needs 35\n";
	dom0_start(20 << 10, 30 << 10);
}
END_TEST

/* More than there is: dom0 gets the most that can be given, and the log says so. */
START_TEST(dom0_asks_for_too_much)
{
	dom0_start(1 << 20, 8);
	ck_assert_ptr_nonnull(strstr(said, "dom0_mem: dom0 gets 31 MiB, not 1024: "));
	ck_assert_uint_eq(dom0->mem.frame_count >> 8, 31);
	world_check();
}
END_TEST

START_TEST(module_too_large)
{
	start();
	kernel_make(0);
	log_set_console(listen);
	plan.domain[0] = &module[0];
	plan.domain_kernel[0] = kernel;
	plan.domain_count = 1;
	strcpy(module[0].text, "a.elf domain name=a memory=100");
	uint64_t left[2];
	for (unsigned i = 0; i < 2; i++) {	/* the first time takes a page for the heap, too */
		ck_assert_uint_eq(module_domains_create(&plan), 0);
		work_run();
		world_check();
		left[i] = frame_free_count();
	}
	ck_assert_msg(strstr(said, "a: not enough memory: it is to have 100 MiB, 63 are free\n"),
		"%s", said);
	ck_assert_uint_eq(left[0], left[1]);
}
END_TEST

START_TEST(plan_of_modules)
{
	static const char *const texts[] = { "vmlinuz ro", "k domain name=a", "initrd", "spare" };
	memset(&plan, 0, sizeof plan);
	info.module_count = 4;
	for (unsigned i = 0; i < 4; i++)
		strcpy(info.module[i].text, texts[i]);
	boot_plan_make(&info, &plan);
	ck_assert_ptr_eq(plan.dom0, &info.module[0]);
	ck_assert_ptr_eq(plan.initrd, &info.module[2]);
	ck_assert_uint_eq(plan.domain_count, 1);
}
END_TEST

/* A bzImage around the small ELF, packed by zlib, in machine memory at 1 MiB. */
static size_t bzimage_make(uint8_t *f)
{
	z_stream z = { .next_in = elf.b, .avail_in = (uInt)elf.size, .next_out = f + 1024,
		       .avail_out = 100000 };
	memset(f, 0, 1024);
	f[0x1f1] = 1;
	memcpy(f + 0x202, "HdrS", 4);
	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	make_le(f + 0x206, 0x20f, 2);
	make_le(f + 0x24c, z.total_out, 4);
	return 1024 + z.total_out;
}

START_TEST(packed_kernel)
{
	static struct boot_memory memory;
	static struct machine map;
	struct boot_kernel out;

	start();
	kernel_make(1);
	map.range_count = memory.plan.range_count = 0;
	ck_assert_int_eq(machine_range_add(&map, 0, FRAMES * 4096ull, RANGE_RAM), 0);
	ck_assert_int_eq(boot_memory_init(&memory, &map), 0);
	uint8_t *file = host_frame(mfn(256));
	size_t size = bzimage_make(file);
	ck_assert_ptr_null(boot_kernel_prepare(&memory, file, size, &out));
	ck_assert_mem_eq(out.elf, elf.b, elf.size);
	ck_assert_uint_eq(out.image.entry, MAKE_ENTRY);
	ck_assert_uint_eq(boot_memory_total(&memory), FRAMES * 4096ull);
	ck_assert(memory.plan.range[memory.plan.range_count - 1].type == MEMORY_TEMPORARY);
	/* In place if it is not packed; a text if there is no memory or no kernel. */
	ck_assert_ptr_null(boot_kernel_prepare(&memory, elf.b, elf.size, &out));
	ck_assert_ptr_eq(out.elf, elf.b);
	ck_assert_int_eq(boot_memory_hold(&memory, 0, FRAMES * 4096ull, MEMORY_PERMANENT), 0);
	ck_assert_ptr_nonnull(strstr(boot_kernel_prepare(&memory, file, size, &out), "memory"));
	ck_assert_ptr_nonnull(boot_kernel_prepare(&memory, file, 1000, &out));
}
END_TEST

START_TEST(pfns)
{
	static struct pfn_map map;
	start();
	uint64_t before = frame_free_count();
	for (uint64_t i = 0; i < 1u << 27; i += 999331)
		ck_assert_int_eq(pfn_map_set(&map, i, mfn(i * 3)), 0);
	for (uint64_t i = 0; i < 1u << 27; i += 999331)
		ck_assert_uint_eq(pfn_map_get(&map, i), i * 3);
	ck_assert_uint_eq(pfn_map_get(&map, 1), ~0ull);
	ck_assert_uint_eq(pfn_map_get(&map, ~0ull), ~0ull);
	ck_assert_int_eq(pfn_map_set(&map, 1u << 27, mfn(1)), -EINVAL);
	pfn_map_free(&map);
	ck_assert_uint_eq(frame_free_count(), before);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, modules_are_wired, dom0_asks_for_too_much, module_too_large,
		plan_of_modules, packed_kernel, pfns);
	tcase_add_exit_test(c, dom0_too_small, 70);
	tcase_add_exit_test(c, initrd_too_large, 70);
	tcase_add_loop_test(c, dom0_is_built, 0, 2);
	return check_run("domain_build", c);
}
