/* platform_op(arg): what dom0's kernel does to the machine through us: wall clock, firmware facts,
 * processors, sleep. Spec: platform.h. */
#pragma once
#include <stdint.h>
#include "protocol/xen.h"

#define XENPF_INTERFACE_VERSION		0x03000001

#define XENPF_settime32			17
#define XENPF_add_memtype		31
#define XENPF_del_memtype		32
#define XENPF_read_memtype		33
#define XENPF_microcode_update		35
#define XENPF_platform_quirk		39
#define XENPF_get_cpu_version		48
#define XENPF_efi_runtime_call		49
#define XENPF_firmware_info		50
#define XENPF_enter_acpi_sleep		51
#define XENPF_change_freq		52
#define XENPF_getidletime		53
#define XENPF_set_processor_pminfo	54
#define XENPF_get_cpuinfo		55
#define XENPF_cpu_online		56
#define XENPF_cpu_offline		57
#define XENPF_cpu_hotadd		58
#define XENPF_mem_hotadd		59
#define XENPF_core_parking		60
#define XENPF_resource_op		61
#define XENPF_settime64			62
#define XENPF_get_symbol		63

struct xenpf_settime32 {
	uint32_t secs;
	uint32_t nsecs;
	uint64_t system_time;		/* guest time at which secs and nsecs held */
};

struct xenpf_settime64 {
	uint64_t secs;
	uint32_t nsecs;
	uint32_t mbz;
	uint64_t system_time;
};

struct xenpf_read_memtype {
	uint32_t reg;
	xen_pfn_t mfn;
	uint64_t nr_mfns;
	uint32_t type;
};

struct xenpf_microcode_update {
	uint64_t data;			/* guest address */
	uint32_t length;
};

struct xenpf_efi_time {
	uint16_t year;
	uint8_t month;
	uint8_t day;
	uint8_t hour;
	uint8_t min;
	uint8_t sec;
	uint32_t ns;
	int16_t tz;
	uint8_t daylight;
};

struct xenpf_efi_guid {
	uint32_t data1;
	uint16_t data2;
	uint16_t data3;
	uint8_t data4[8];
};

#define XEN_EFI_get_time		1
#define XEN_EFI_set_time		2
#define XEN_EFI_get_wakeup_time		3
#define XEN_EFI_set_wakeup_time		4
#define XEN_EFI_get_next_high_monotonic_count 5
#define XEN_EFI_get_variable		6
#define XEN_EFI_set_variable		7
#define XEN_EFI_get_next_variable_name	8
#define XEN_EFI_query_variable_info	9
#define XEN_EFI_query_capsule_capabilities 10
#define XEN_EFI_update_capsule		11

struct xenpf_efi_runtime_call {
	uint32_t function;		/* XEN_EFI_* */
	uint32_t misc;			/* per function: flags or attributes */
	xen_ulong_t status;		/* out: EFI status */
	union {
		struct {
			struct xenpf_efi_time time;
			uint32_t resolution;
			uint32_t accuracy;
		} get_time;
		struct xenpf_efi_time set_time;
		struct xenpf_efi_time get_wakeup_time;
		struct xenpf_efi_time set_wakeup_time;
		struct {
			uint64_t name;	/* guest address */
			xen_ulong_t size;
			uint64_t data;	/* guest address */
			struct xenpf_efi_guid vendor_guid;
		} get_variable, set_variable;
		struct {
			xen_ulong_t size;
			uint64_t name;	/* guest address */
			struct xenpf_efi_guid vendor_guid;
		} get_next_variable_name;
		struct {
			uint32_t attr;
			uint64_t max_store_size;
			uint64_t remain_store_size;
			uint64_t max_size;
		} query_variable_info;
	} u;
};

#define XEN_FW_DISK_INFO		1
#define XEN_FW_DISK_MBR_SIGNATURE	2
#define XEN_FW_VBEDDC_INFO		3
#define XEN_FW_EFI_INFO			4	/* index XEN_FW_EFI_* */
#define XEN_FW_KBD_SHIFT_FLAGS		5

#define XEN_FW_EFI_VERSION		0
#define XEN_FW_EFI_CONFIG_TABLE		1
#define XEN_FW_EFI_VENDOR		2
#define XEN_FW_EFI_MEM_INFO		3
#define XEN_FW_EFI_RT_VERSION		4
#define XEN_FW_EFI_PCI_ROM		5
#define XEN_FW_EFI_APPLE_PROPERTIES	6

union xenpf_efi_info {
	uint32_t version;
	struct {
		uint64_t addr;
		uint32_t nent;
	} cfg;
	struct {
		uint32_t revision;
		uint32_t bufsz;		/* in: room; out: bytes */
		uint64_t name;		/* guest address of UCS-2 text */
	} vendor;
	struct {
		uint64_t addr;
		uint64_t size;
		uint64_t attr;
		uint32_t type;
	} mem;
	struct {
		uint16_t segment;
		uint8_t bus;
		uint8_t devfn;
		uint16_t vendor;
		uint16_t devid;
		uint64_t address;
		xen_ulong_t size;
	} pci_rom;
	struct {
		uint64_t address;
		xen_ulong_t size;
	} apple_properties;
};

struct xenpf_firmware_info {
	uint32_t type;			/* XEN_FW_* */
	uint32_t index;
	union {
		struct {
			uint8_t device;
			uint8_t version;
			uint16_t interface_support;
			uint16_t legacy_max_cylinder;
			uint8_t legacy_max_head;
			uint8_t legacy_sectors_per_track;
			uint64_t edd_params;	/* guest address */
		} disk_info;
		struct {
			uint8_t device;
			uint32_t mbr_signature;
		} disk_mbr_signature;
		struct {
			uint8_t capabilities;
			uint8_t edid_transfer_time;
			uint64_t edid;		/* guest address of 128 bytes */
		} vbeddc_info;
		union xenpf_efi_info efi_info;
		uint8_t kbd_shift_flags;
	} u;
};

/* val_a, val_b: PM1 control values, or sleep control and status with XENPF_ACPI_SLEEP_EXTENDED. */
struct xenpf_enter_acpi_sleep {
	uint16_t val_a;
	uint16_t val_b;
	uint32_t sleep_state;		/* 1..5 */
	uint32_t flags;
};
#define XENPF_ACPI_SLEEP_EXTENDED	0x00000001

struct xenpf_getidletime {
	uint64_t cpumap_bitmap;		/* guest address */
	uint32_t cpumap_nr_cpus;
	uint64_t idletime;		/* guest address of uint64_t[] */
	uint64_t now;
};

#define XEN_PM_CX	0
#define XEN_PM_PX	1
#define XEN_PM_TX	2
#define XEN_PM_PDC	3

/* Only the PDC form is spelled out; u keeps the size of the longest. */
struct xenpf_set_processor_pminfo {
	uint32_t id;			/* ACPI id; -1: all */
	uint32_t type;			/* XEN_PM_* */
	union {
		uint64_t pdc;		/* guest address of uint32_t[] */
		uint64_t pad[13];
	} u;
};

struct xenpf_pcpuinfo {
	uint32_t xen_cpuid;		/* in */
	uint32_t max_present;
	uint32_t flags;			/* XEN_PCPU_FLAGS_* */
	uint32_t apic_id;
	uint32_t acpi_id;
};
#define XEN_PCPU_FLAGS_ONLINE	1
#define XEN_PCPU_FLAGS_INVALID	2	/* no such processor */

struct xenpf_pcpu_version {
	uint32_t xen_cpuid;		/* in */
	uint32_t max_present;
	char vendor_id[12];
	uint32_t family;
	uint32_t model;
	uint32_t stepping;
};

struct xenpf_cpu_ol {
	uint32_t cpuid;
};

struct xenpf_symdata {
	uint32_t namelen;
	uint32_t symnum;
	uint64_t name;			/* guest address */
	uint64_t address;
	char type;
};

struct xen_platform_op {
	uint32_t cmd;			/* XENPF_* */
	uint32_t interface_version;
	union {
		struct xenpf_settime64 settime;
		struct xenpf_settime32 settime32;
		struct xenpf_settime64 settime64;
		struct xenpf_read_memtype read_memtype;
		struct xenpf_microcode_update microcode;
		struct xenpf_efi_runtime_call efi_runtime_call;
		struct xenpf_firmware_info firmware_info;
		struct xenpf_enter_acpi_sleep enter_acpi_sleep;
		struct xenpf_getidletime getidletime;
		struct xenpf_set_processor_pminfo set_pminfo;
		struct xenpf_pcpuinfo pcpu_info;
		struct xenpf_pcpu_version pcpu_version;
		struct xenpf_cpu_ol cpu_ol;
		struct xenpf_symdata symdata;
		uint8_t pad[128];
	} u;
};
