/* The kernel cache. Names are hashes of the kernel file, so an entry is never wrong, only missing; it may
 * be deleted at any time. Two runs that fill it at once each write a file of their own and rename it.
 *
 * Rules: the directory belongs to us alone (owner, no write for others), or nothing in it is believed;
 * an entry is complete when its name exists.
 * Neighbours: kernel_unpack.c does the unpacking, guest_build.c loads what we map.
 */
#include "toolstack/image/kernel_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "toolstack/files.h"
#include "toolstack/image/kernel_unpack.h"
#include "toolstack/image/sha256.h"

enum { FILE_SIZE_MAX = 1 << 30 };

/* @what: "kernel", "ramdisk"; @path tells which. */
static int file_error(struct why *why, const char *what, const char *path, int code)
{
	why_set(why, code, "%s", strerror(-code));
	why_where(why, "%s %s", what, path);
	return code;
}

/* What keeps a file from being mapped, or NULL. */
static const char *file_refuse(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "is a directory";
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (st->st_size <= 0)
		return "is empty";
	return st->st_size > FILE_SIZE_MAX ? "is larger than 1 GiB" : NULL;
}

static int map_descriptor(
	struct mapped_file *f, int fd, const char *what, const char *path, struct why *why)
{
	struct stat st;
	const char *wrong;
	void *bytes;

	if (fstat(fd, &st) < 0)
		return file_error(why, what, path, -errno);
	wrong = file_refuse(&st);
	if (wrong) {
		why_set(why, -EINVAL, "%s", wrong);
		why_where(why, "%s %s", what, path);
		return -EINVAL;
	}
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return file_error(why, what, path, -errno);
	f->bytes = bytes;
	f->size = (size_t)st.st_size;
	return 0;
}

int mapped_file_open(struct mapped_file *f, const char *what, const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0)
		return file_error(why, what, path, -errno);
	rc = map_descriptor(f, fd, what, path, why);
	close(fd);
	return rc;
}

void mapped_file_close(struct mapped_file *f)
{
	if (f->bytes)
		munmap((void *)(uintptr_t)f->bytes, f->size);
	memset(f, 0, sizeof(*f));
}

/* Open @dir, made if needed; refuse one that others can write. */
static int cache_open(const char *dir, struct why *why)
{
	struct stat st;
	int fd, rc = directory_make(dir, 0755);

	if (rc < 0)
		return why_set(why, rc, "kernel cache %s: %s", dir, strerror(-rc));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = why_set(why, -errno, "kernel cache %s: %s", dir, strerror(errno));
	} else if (st.st_uid != geteuid() || st.st_mode & 022) {
		rc = why_set(why, -EPERM, "kernel cache %s: others may write to it", dir);
		why_hint(why, "chown root: %s && chmod go-w %s", dir, dir);
	} else if (mkdirat(fd, "by-stat", 0755) < 0 && errno != EEXIST) {
		rc = why_set(why, -errno, "kernel cache %s: %s", dir, strerror(errno));
	}
	if (rc < 0 && fd >= 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* Everything that changes when a file does. */
static void stat_name(const struct stat *st, char *out, size_t size)
{
	snprintf(out, size, "by-stat/%llx-%llx-%llx-%llx.%lx-%llx.%lx",
		(unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
		(unsigned long long)st->st_size, (unsigned long long)st->st_mtim.tv_sec,
		(unsigned long)st->st_mtim.tv_nsec, (unsigned long long)st->st_ctim.tv_sec,
		(unsigned long)st->st_ctim.tv_nsec);
}

static int map_entry(struct mapped_file *f, int cache, const char *name)
{
	struct why ignored;
	int fd = openat(cache, name, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = map_descriptor(f, fd, "", name, &ignored);
	close(fd);
	return rc;
}

void kernel_cache_sweep(const char *dir)
{
	DIR *cache = opendir(dir);
	struct dirent *entry;
	long pid;

	while (cache && (entry = readdir(cache)))
		if (sscanf(entry->d_name, ".new-%ld", &pid) == 1 && pid > 0 &&
			kill((pid_t)pid, 0) < 0 && errno == ESRCH)
			unlinkat(dirfd(cache), entry->d_name, 0);
	if (cache)
		closedir(cache);
}

/* Unpack @kernel as @name: first whole under a name of our own, then renamed. */
static int fill_entry(
	int cache, const char *name, const struct mapped_file *kernel, struct why *why)
{
	char temporary[32];
	int fd, rc;

	snprintf(temporary, sizeof(temporary), ".new-%ld", (long)getpid());
	fd = openat(cache, temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return why_set(why, -errno, "kernel cache: cannot write %s: %s", temporary,
			strerror(errno));
	rc = kernel_unpack(fd, kernel->bytes, kernel->size, why);
	close(fd);
	if (rc == 0 && renameat(cache, temporary, cache, name) < 0)
		rc = why_set(
			why, -errno, "kernel cache: cannot write %s: %s", name, strerror(errno));
	if (rc < 0)
		unlinkat(cache, temporary, 0);
	return rc;
}

/* The long way: read, hash, unpack if that content was never seen. */
static int map_by_content(
	struct mapped_file *f, int cache, int fd, const char *path, struct why *why)
{
	struct mapped_file kernel;
	char hash[SHA256_TEXT], name[SHA256_TEXT + 8], by_stat[160], target[SHA256_TEXT + 16];
	struct stat st;
	int rc = fstat(fd, &st) < 0 ? file_error(why, "kernel", path, -errno) : 0;

	if (rc == 0)
		rc = map_descriptor(&kernel, fd, "kernel", path, why);
	if (rc < 0)
		return rc;
	sha256_text(kernel.bytes, kernel.size, hash);
	snprintf(name, sizeof(name), "%s.elf", hash);
	rc = map_entry(f, cache, name);
	if (rc < 0) {
		rc = fill_entry(cache, name, &kernel, why);
		if (rc == 0) {
			rc = map_entry(f, cache, name);
			if (rc < 0)
				why_set(why, rc, "kernel cache: cannot read %s", name);
		}
	}
	mapped_file_close(&kernel);
	if (rc == 0) {
		snprintf(target, sizeof(target), "../%s", name);
		stat_name(&st, by_stat, sizeof(by_stat));
		(void)!symlinkat(target, cache, by_stat); /* only a short cut */
	}
	return rc;
}

int kernel_cache_map(const char *dir, const char *path, struct mapped_file *f, struct why *why)
{
	struct stat st;
	char by_stat[160];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), cache, rc;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = file_error(why, "kernel", path, -errno);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	cache = rc = cache_open(dir, why);
	if (cache >= 0) {
		stat_name(&st, by_stat, sizeof(by_stat));
		rc = map_entry(f, cache, by_stat);
		if (rc < 0)
			rc = map_by_content(f, cache, fd, path, why);
		close(cache);
	}
	close(fd);
	if (rc == -ENOEXEC)
		why_where(why, "kernel %s", path);
	return rc;
}
