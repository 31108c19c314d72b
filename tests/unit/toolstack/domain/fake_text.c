/* The fake world as text, in an order that does not depend on its history. Contract: fake_world.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/toolstack/domain/fake_world.h"

static int by_path(const void *a, const void *b)
{
	return strcmp((*(const struct fake_node *const *)a)->path,
		(*(const struct fake_node *const *)b)->path);
}

static void put_nodes(FILE *f)
{
	const struct fake_node *sorted[FAKE_NODES];
	size_t count = 0;

	for (size_t i = 0; i < FAKE_NODES; i++)
		if (world->nodes[i].path[0])
			sorted[count++] = &world->nodes[i];
	qsort(sorted, count, sizeof(sorted[0]), by_path);
	for (size_t i = 0; i < count; i++)
		fprintf(f, "%s (%s) = %s\n", sorted[i]->path, sorted[i]->perms, sorted[i]->value);
}

static void put_domain(FILE *f, const struct fake_domain *d)
{
	if (d->id)
		fprintf(f, "domain %u: flags %x, %llu pages, %u ports%s%s\n", d->id, d->flags,
			(unsigned long long)d->pages, d->ports, d->has_context ? ", context" : "",
			d->introduced ? ", introduced" : "");
}

char *fake_world_text(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < FAKE_DOMAINS; i++)
		put_domain(f, &world->domains[i]);
	put_nodes(f);
	fprintf(f, "%d frames mapped, %d disks open\n", world->mapped, world->disks_open);
	fclose(f);
	return text;
}
