/* A guest's configuration written back as an xl.cfg file: kept beside a running domain, so that it can
 * be started again as it was, whatever became of the file it came from. Contract: guest_cfg.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "toolstack/config/guest_cfg.h"

static void put_quoted(FILE *f, const char *text)
{
	fputc('"', f);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(f, "\\%c", *c);
		else if (*c < 0x20 || *c == 0x7f)
			fprintf(f, "\\x%02x", *c);
		else
			fputc(*c, f);
	}
	fputc('"', f);
}

static void put_string(FILE *f, const char *key, const char *text)
{
	fprintf(f, "%s = ", key);
	put_quoted(f, text);
	fputc('\n', f);
}

static void put_cpus(FILE *f, const struct guest_cfg *g)
{
	fputs("cpus = [", f);
	for (unsigned int i = 0; i < g->maxvcpus; i++) {
		char text[1024] = "";

		(void)!cpu_set_format(&g->cpus[i], CPU_SET_MAX, text, sizeof(text));
		fprintf(f, "%s\"%s\"", i ? ", " : "", text);
	}
	fputs("]\n", f);
}

static void put_disks(FILE *f, const struct guest_cfg *g)
{
	fputs("disk = [", f);
	for (size_t i = 0; i < g->disk_count; i++) {
		char text[DISK_SPEC_TEXT] = "";

		(void)!disk_spec_format(&g->disks[i], text, sizeof(text));
		fputs(i ? ", " : "", f);
		put_quoted(f, text);
	}
	fputs("]\n", f);
}

static void put_vifs(FILE *f, const struct guest_cfg *g)
{
	fputs("vif = [", f);
	for (size_t i = 0; i < g->vif_count; i++) {
		char text[sizeof(struct vif_spec) + 64] = "";

		(void)!vif_spec_format(&g->vifs[i], text, sizeof(text));
		fputs(i ? ", " : "", f);
		put_quoted(f, text);
	}
	fputs("]\n", f);
}

static void put_channels(FILE *f, const struct guest_cfg *g)
{
	fputs("channel = [", f);
	for (size_t i = 0; i < g->channel_count; i++) {
		char text[CHANNEL_SPEC_TEXT];

		channel_spec_format(&g->channels[i], text);
		fputs(i ? ", " : "", f);
		put_quoted(f, text);
	}
	fputs("]\n", f);
}

static void put_scheduling(FILE *f, const struct guest_cfg *g)
{
	if (g->weight)
		fprintf(f, "cpu_weight = %u\n", g->weight);
	if (g->cap)
		fprintf(f, "cap = %u\n", g->cap);
	if (g->pinned)
		put_cpus(f, g);
}

static void put_all(FILE *f, const struct guest_cfg *g)
{
	char uuid[UUID_TEXT];

	put_string(f, "name", g->name);
	if (g->uuid_given) {
		uuid_format(g->uuid, uuid);
		put_string(f, "uuid", uuid);
	}
	put_string(f, "type", "pv");
	put_string(f, "kernel", g->kernel);
	if (g->ramdisk[0])
		put_string(f, "ramdisk", g->ramdisk);
	put_string(f, "cmdline", g->cmdline);
	fprintf(f, "memory = %llu\nmaxmem = %llu\nvcpus = %u\nmaxvcpus = %u\n",
		(unsigned long long)g->memory_mib, (unsigned long long)g->maxmem_mib, g->vcpus,
		g->maxvcpus);
	put_scheduling(f, g);
	put_string(f, "on_poweroff", guest_action_name(g->on_poweroff));
	put_string(f, "on_reboot", guest_action_name(g->on_reboot));
	put_string(f, "on_crash", guest_action_name(g->on_crash));
	put_disks(f, g);
	put_vifs(f, g);
	if (g->channel_count)
		put_channels(f, g);
}

int guest_cfg_format(const struct guest_cfg *g, char **out)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	put_all(f, g);
	if (fclose(f) != 0) {
		free(text);
		return -ENOMEM;
	}
	*out = text;
	return 0;
}
