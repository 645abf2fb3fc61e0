/* SPDX-License-Identifier: Apache-2.0
 *
 * Broken promises and temporary files of the fuzz targets. The folder is made at first use, one per process, so that
 * several targets and several libFuzzer workers can run side by side.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

volatile uint64_t fuzz_sink;
unsigned long fuzz_accepted;
static char folder[300];
static pid_t owner;

_Noreturn void fuzz_broken(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, what);
	abort();
}

void fuzz_refused(const struct oqz_err *err)
{
	if (err->code == OQZ_E_INTERNAL)
		fuzz_broken(err->msg, __FILE__, __LINE__);
	FUZZ_CHECK(err->code != OQZ_OK && err->msg[0]);
}

static void remove_folder(void)
{
	DIR *d = getpid() == owner ? opendir(folder) : NULL;
	char path[600];

	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d) {
		closedir(d);
		rmdir(folder);
	}
}

const char *fuzz_path(const char *name)
{
	static char ring[4][400];
	static unsigned turn;
	char *p = ring[turn++ % OQZ_COUNTOF(ring)];
	const char *tmp = getenv("TMPDIR");

	if (!folder[0]) {
		snprintf(folder, sizeof folder, "%s/oqz-fuzz-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
		FUZZ_CHECK(mkdtemp(folder) != NULL);
		owner = getpid();
		atexit(remove_folder);
	}
	snprintf(p, sizeof ring[0], "%s/%s", folder, name);
	return p;
}

const char *fuzz_file(const char *name, const void *data, size_t size)
{
	const char *path = fuzz_path(name), *p = data;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0);
	while (size > 0) {
		ssize_t n = write(fd, p, size);
		FUZZ_CHECK(n > 0);
		p += n;
		size -= (size_t)n;
	}
	close(fd);
	return path;
}
