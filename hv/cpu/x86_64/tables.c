/* Descriptor tables and per-CPU set-up: GDT page of ours, TSS, IDT, system-call MSRs.
 *
 * Rules: the GDT register never changes after this: every CPU's GDT has its full 16 pages, of which
 * guests own the first 14; #DF, NMI, #MC and #DB have stacks of their own; only vectors 3, 4 and
 * 0x80 may be raised by software in ring 3.
 * Spec: SDM 3A 3.4.5, 6.14, 7.7. Neighbours: entry.S, paging.c. */
#include "hv/base/string.h"
#include "hv/cpu/x86_64/internal.h"

struct gate { uint16_t offset0, selector; uint8_t ist, type; uint16_t offset1; uint32_t offset2, reserved; };
static struct gate idt[256] ALIGNED(4096);

#define GATE_INTERRUPT	0x8e
#define GATE_DPL3	0x60
#define SFMASK_BITS	(RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC)

static void idt_init(void)
{
	static const uint8_t ist_of[32] = { [1] = 4, [2] = 2, [8] = 1, [18] = 3 };
	for (unsigned v = 0; v < 256; v++) {
		uint64_t at = (uint64_t)vector_stubs + v * 16;
		idt[v] = (struct gate){
			.offset0 = (uint16_t)at, .offset1 = (uint16_t)(at >> 16), .offset2 = (uint32_t)(at >> 32),
			.selector = HV_CS, .ist = v < 32 ? ist_of[v] : 0,
			.type = GATE_INTERRUPT | (v == 3 || v == 4 || v == 0x80 ? GATE_DPL3 : 0),
		};
	}
}

static void gdt_page_init(unsigned cpu)
{
	uint64_t *gdt = (uint64_t *)(percpu_area(cpu) + PERCPU_GDT);	/* indexed by selector / 8 */
	uint64_t tss = (uint64_t)tss_of(cpu), ldt = percpu_area(cpu) + PERCPU_LDT;
	gdt[HV_CS / 8] = 0x00af9b000000ffff;
	gdt[HV_DS / 8] = 0x00cf93000000ffff;
	gdt[FLAT_CS32 / 8] = 0x00cffb000000ffff;
	gdt[FLAT_DS / 8] = 0x00cff3000000ffff;
	gdt[FLAT_CS64 / 8] = 0x00affb000000ffff;
	gdt[HV_TSS / 8] = (sizeof(struct tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40 | (tss >> 24 & 0xff) << 56;
	gdt[HV_TSS / 8 + 1] = tss >> 32;
	gdt[HV_LDT / 8] = 0xffff | (ldt & 0xffffff) << 16 | 0x82ull << 40 | (ldt >> 24 & 0xff) << 56;
	gdt[HV_LDT / 8 + 1] = ldt >> 32;
}

static void tss_init(unsigned cpu)
{
	uint64_t area = percpu_area(cpu);
	*tss_of(cpu) = (struct tss){
		.rsp0 = (uint64_t)percpu_of(cpu),
		.ist = { area + IST_DF, area + IST_NMI, area + IST_MC, area + IST_DB },
		.io_base = sizeof(struct tss),
	};
}

static void stub_init(unsigned cpu)
{
	uint64_t area = percpu_area(cpu);
	size_t n = (size_t)(syscall_stub_end - syscall_stub);
	/* The stub's page is mapped read-only; write through the map of all RAM. */
	memcpy(frame_map(maddr_to_mfn(percpu_stub_maddr(cpu))), syscall_stub, n);
	*stub_data_of(cpu) = (struct stub_data){
		.entry64 = (uint64_t)syscall_entry, .entry32 = (uint64_t)syscall32_entry,
	};
	msr_write(MSR_LSTAR, area + PERCPU_STUB);
	msr_write(MSR_CSTAR, area + PERCPU_STUB + 64);
	msr_write(MSR_STAR, (uint64_t)HV_CS << 32 | (uint64_t)SYSRET_BASE << 48);
	msr_write(MSR_SFMASK, SFMASK_BITS);
	msr_write(MSR_SYSENTER_CS, 0);
}

void tables_load(unsigned cpu)
{
	struct { uint16_t limit; uint64_t base; } PACKED gdtr = { 0xffff, percpu_area(cpu) + PERCPU_GDT },
		idtr = { sizeof idt - 1, (uint64_t)idt };
	if (cpu == 0)
		idt_init();
	gdt_page_init(cpu);
	tss_init(cpu);
	__asm__ volatile ("lgdt %0\n\tlidt %1\n\t"
			  "pushq %2\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:\t"
			  "xorl %%eax, %%eax\n\tmovl %%eax, %%ds\n\tmovl %%eax, %%es\n\tmovl %%eax, %%fs\n\tmovl %%eax, %%gs\n\t"
			  "movl %3, %%eax\n\tmovl %%eax, %%ss\n\tmovl %4, %%eax\n\tltr %%ax\n\txorl %%eax, %%eax\n\tlldt %%ax"
			  : : "m" (gdtr), "m" (idtr), "i" (HV_CS), "i" (HV_DS), "i" (HV_TSS) : "rax", "memory");
	stub_init(cpu);
}

void percpu_init(unsigned cpu, uint32_t apic_id)
{
	static struct cpu_context boot_context = { .is_idle = true };
	*percpu_of(cpu) = (struct percpu){ .id = cpu, .apic_id = apic_id, .current = &boot_context };
}
