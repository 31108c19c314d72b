/* Paths and decimal numbers. */
#include "pvdrivers/store.h"

#include <string.h>

int store_path(char *path, const char *dir, const char *name)
{
	size_t a = strlen(dir), b = strlen(name);

	if (a + b + 2 > PV_PATH_MAX)
		return -XEN_E2BIG;
	memcpy(path, dir, a);
	path[a] = '/';
	memcpy(path + a + 1, name, b + 1);
	return 0;
}

void store_numbered(char *text, const char *name, uint64_t number)
{
	size_t n = strlen(name), digits = 1;

	memcpy(text, name, n);
	for (uint64_t rest = number / 10; rest; rest /= 10)
		digits++;
	text[n + digits] = '\0';
	for (; digits > 0; number /= 10)
		text[n + --digits] = (char)('0' + number % 10);
}

/* 0 and *number; -EINVAL: not a decimal number of 64 bits, from its first byte to its last. */
static int parse(const char *text, uint64_t *number)
{
	uint64_t n = 0;

	if (!*text)
		return -XEN_EINVAL;
	for (; *text; text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return -XEN_EINVAL;
		n = n * 10 + digit;
	}
	*number = n;
	return 0;
}

int store_get(struct pv_os *os, const char *dir, const char *name, char *value, size_t size)
{
	char path[PV_PATH_MAX];
	int err = store_path(path, dir, name);

	return err ? err : os->store_read(os, path, value, size);
}

uint64_t store_get_number(struct pv_os *os, const char *dir, const char *name, uint64_t most, uint64_t otherwise)
{
	char value[PV_VALUE_MAX];
	uint64_t number;

	if (store_get(os, dir, name, value, sizeof value) || parse(value, &number) || number > most)
		return otherwise;
	return number;
}

int store_put(struct pv_os *os, const char *dir, const char *name, const char *value)
{
	char path[PV_PATH_MAX];
	int err = store_path(path, dir, name);

	return err ? err : os->store_write(os, path, value);
}

int store_put_number(struct pv_os *os, const char *dir, const char *name, uint64_t number)
{
	char value[PV_VALUE_MAX];

	store_numbered(value, "", number);
	return store_put(os, dir, name, value);
}
