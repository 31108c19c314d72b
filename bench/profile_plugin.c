/* A plugin for QEMU's translator: how often each block of code ran, for profile.py.
 *
 * A block is known by its address, and by the host's address of its bytes, which tells domains apart that have the same
 * addresses. Whenever there is a file DIR/ask, the counts go to DIR/counts, and then it is removed. Counting changes nothing
 * that the machine sees.
 * Spec: QEMU, docs/devel/tcg-plugins.rst, version 1 of the interface, whose header Debian does not have. */
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;
enum { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int operation, void *at, uint64_t value);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t number);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

#define BLOCKS (1u << 21)	/* a machine that boots and works translates some 300,000 */

static struct block {
	uint64_t address, place, instructions, times;
} *blocks;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char ask[4096], counts[4096];

static struct block *block_find(uint64_t address, uint64_t place, uint64_t instructions)
{
	uint64_t hash = (address * 0x9e3779b97f4a7c15u ^ place * 0xc2b2ae3d27d4eb4fu ^ instructions * 77) >> 20;
	struct block *b;

	for (unsigned int tries = 0; tries < BLOCKS; tries++, hash++) {
		b = &blocks[hash % BLOCKS];
		if (!b->instructions)
			*b = (struct block){ address, place, instructions, 0 };
		if (b->address == address && b->place == place && b->instructions == instructions)
			return b;
	}
	fprintf(stderr, "profile: more than %u blocks of code\n", BLOCKS);
	exit(1);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t place = (uint64_t)(uintptr_t)qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0));
	struct block *b;

	(void)id;
	pthread_mutex_lock(&lock);
	b = block_find(qemu_plugin_tb_vaddr(tb), place, qemu_plugin_tb_n_insns(tb));
	pthread_mutex_unlock(&lock);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &b->times, 1);
}

static void counts_write(void)
{
	FILE *f = fopen(counts, "w");

	for (struct block *b = blocks; f && b < blocks + BLOCKS; b++)
		if (b->times)
			fwrite(b, sizeof *b, 1, f);
	if (!f || fclose(f) || unlink(ask)) {
		perror(counts);
		exit(1);
	}
}

static void *answer(void *arg)
{
	for (;; usleep(20000))
		if (access(ask, F_OK) == 0)
			counts_write();
	return arg;
}

/* Its argument: dir=DIR. */
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	pthread_t thread;

	(void)info;
	blocks = calloc(BLOCKS, sizeof *blocks);
	if (argc != 1 || strncmp(argv[0], "dir=", 4) != 0 || !blocks)
		return -1;
	snprintf(ask, sizeof ask, "%s/ask", argv[0] + 4);
	snprintf(counts, sizeof counts, "%s/counts", argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return pthread_create(&thread, NULL, answer, NULL);
}
