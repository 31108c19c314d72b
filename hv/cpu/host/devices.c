/* Ports, device memory, MSRs and CPUID of the modelled machine: what the test scripted, else
 * nothing there. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/cpu/host/host.h"

#define SCRIPTED 64

uint64_t (*host_mmio_read)(maddr_t at, unsigned size);
void (*host_mmio_write)(maddr_t at, unsigned size, uint64_t value);
uint32_t (*host_port_in)(uint16_t port, unsigned size);
void (*host_port_out)(uint16_t port, unsigned size, uint32_t value);
struct cpu_features cpu_features;

static struct { uint32_t msr; uint64_t value; } msrs[SCRIPTED];
static struct { uint32_t leaf, sub, regs[4]; } leaves[SCRIPTED];
static unsigned msr_count, leaf_count;

void host_devices_reset(void)
{
	msr_count = 0;
	leaf_count = 0;
	host_mmio_read = NULL;
	host_mmio_write = NULL;
	host_port_in = NULL;
	host_port_out = NULL;
	cpu_features = (struct cpu_features){
		.has_xsave = true, .has_nx = true,
		.xcr0_mask = 7, .fpu_size = 832, .phys_bits = 40,
	};
}

static uint64_t all_ones(unsigned size)
{
	return size == 8 ? ~0ull : (1ull << size * 8) - 1;
}

uint64_t cpu_mmio_read(maddr_t at, unsigned size)
{
	return host_mmio_read ? host_mmio_read(at, size) : all_ones(size);
}

void cpu_mmio_write(maddr_t at, unsigned size, uint64_t value)
{
	if (host_mmio_write)
		host_mmio_write(at, size, value);
}

uint32_t cpu_port_in(uint16_t port, unsigned size)
{
	return host_port_in ? host_port_in(port, size) : (uint32_t)all_ones(size);
}

void cpu_port_out(uint16_t port, unsigned size, uint32_t value)
{
	if (host_port_out)
		host_port_out(port, size, value);
}

void host_cpuid_set(uint32_t leaf, uint32_t sub, const uint32_t regs[4])
{
	if (leaf_count == SCRIPTED)
		return;
	leaves[leaf_count].leaf = leaf;
	leaves[leaf_count].sub = sub;
	memcpy(leaves[leaf_count++].regs, regs, sizeof leaves[0].regs);
}

void cpu_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	memset(out, 0, 4 * sizeof *out);
	for (unsigned i = 0; i < leaf_count; i++)
		if (leaves[i].leaf == leaf && leaves[i].sub == sub)
			memcpy(out, leaves[i].regs, sizeof leaves[i].regs);
}

void host_msr_set(uint32_t msr, uint64_t value)
{
	if (cpu_msr_write(msr, value) == 0 || msr_count == SCRIPTED)
		return;
	msrs[msr_count].msr = msr;
	msrs[msr_count++].value = value;
}

int cpu_msr_read(uint32_t msr, uint64_t *value)
{
	for (unsigned i = 0; i < msr_count; i++) {
		if (msrs[i].msr == msr) {
			*value = msrs[i].value;
			return 0;
		}
	}
	return -EIO;
}

int cpu_msr_write(uint32_t msr, uint64_t value)
{
	for (unsigned i = 0; i < msr_count; i++) {
		if (msrs[i].msr == msr) {
			msrs[i].value = value;
			return 0;
		}
	}
	return -EIO;
}
